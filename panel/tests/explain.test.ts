// @vitest-environment happy-dom

import { describe, expect, test } from "vitest";
import { counted, queryOf, type Recount } from "../src/api/explain";

describe("a question in an address", () => {
  test("has members of members by dotted names, and lists as many times", () => {
    const question = {
      range: { from: 1, to: 2.5 },
      now: 3,
      search: "a b",
      filters: { models: ["x", "y"], failed_only: true },
      include: { summary: true, events_page: { limit: 5 } },
    };
    const { time_zone, ...named } = Object.fromEntries([...queryOf(question)].map(([name]) => [name, queryOf(question).getAll(name)]));
    expect(time_zone).toHaveLength(1);
    expect(named).toEqual({
      from_ms: ["1"],
      to_ms: ["2"],
      now_ms: ["3"],
      search_query: ["a b"],
      "filters.models": ["x", "y"],
      "filters.failed_only": ["true"],
      "include.summary": ["true"],
      "include.events_page.limit": ["5"],
    });
  });
});

describe("a count", () => {
  const none: Recount = { events: 0, of: 0, figures: [], done: false };

  test("is known from its lines", () => {
    const figure = { figure: "summary.total_calls", answer: 7, recount: 7, difference: 0, agrees: true };
    const lines = [{ events: 20, not_counted: [] }, { progress: { events: 10, of: 20 } }, figure, { done: true, events: 20, figures: 1, different: 0 }];
    const steps = lines.map((_, last) => lines.slice(0, last + 1).map((line) => JSON.stringify(line)).reduce(counted, none));
    expect(steps.map(({ events, of }) => [events, of])).toEqual([[0, 20], [10, 20], [10, 20], [20, 20]]);
    expect(steps.at(-1)).toEqual({ events: 20, of: 20, figures: [figure], done: true });
  });
});
