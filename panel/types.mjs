/**
 * The types of answers, from the description of the API:
 * `cpamp openapi | node types.mjs > src/api/answers.generated.ts`.
 */

import { text } from "node:stream/consumers";

const METHODS = ["get", "post", "put", "patch", "delete"];
const { components, paths } = JSON.parse(await text(process.stdin));

/** The TypeScript of a schema. */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  switch (schema.type) {
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "array":
      return `readonly ${inBrackets(typeOf(schema.items))}[]`;
    case "object":
      return `Readonly<Record<string, ${typeOf(schema.additionalProperties)}>>`;
    default:
      return "unknown";
  }
}

function inBrackets(type) {
  return / [|] |^readonly /.test(type) ? `(${type})` : type;
}

function* membersOf(schema) {
  const required = new Set(schema.required);
  for (const [name, member] of Object.entries(schema.properties)) {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    yield `  readonly ${key}${required.has(name) ? "" : "?"}: ${typeOf(member)};`;
  }
}

function* answers() {
  for (const [path, operations] of Object.entries(paths)) {
    for (const method of METHODS) {
      const schema = operations[method]?.responses["2XX"]?.content?.["application/json"]?.schema;
      if (schema?.$ref) yield `  readonly ${JSON.stringify(`${method.toUpperCase()} ${path}`)}: ${typeOf(schema)};`;
    }
  }
}

const lines = ["/* Made from the description of the API by `make panel-types`; not to be edited. */"];
for (const [name, schema] of Object.entries(components.schemas)) {
  const about = schema.description ? [`/** ${schema.description} */`] : [];
  lines.push("", ...about, `export interface ${name} {`, ...membersOf(schema), "}");
}
lines.push("", "/** What comes back of each route. */", "export interface Answers {", ...answers(), "}");
console.log(lines.join("\n"));
