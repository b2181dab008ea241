/** Icons: strokes on a grid of 16. */

const PATHS = {
  dashboard: "M2.5 2.5h4.5v6H2.5zM9 2.5h4.5v3.5H9zM9 8h4.5v5.5H9zM2.5 10.5H7v3H2.5z",
  analytics: "M2.5 13.5h11M4.5 11V7m3.5 4V3.5M11.5 11V5.5",
  monitor: "M1.5 8h3l2-5 3 10 2-5h3",
  price: "M8 1.5v13M11 4.5H6.8a2 2 0 0 0 0 3.8h2.4a2 2 0 0 1 0 3.9H4.7",
  key: "M10.5 9.5a4 4 0 1 0-3.6-2.3L2 12.2V14h2.5v-1.8h1.8v-1.8l1.2-1.3a4 4 0 0 0 3 .4zM10.6 5.3v.2",
  coverage: "M2.5 4h11M2.5 8h4m3 0h4M2.5 12h8m2 0h1",
  system: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1",
  config: "M2.5 4.5h6m3 0h2M10 3v3M2.5 11.5h2m3 0h6M6 10v3",
  clock: "M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 1 0 0-11.6M8 5v3.2l2.2 1.4",
  refresh: "M13 5.5A5.5 5.5 0 1 0 13.5 9M13.2 2.5v3.2H10",
  language: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM1.8 8h12.4M8 1.8c4 4 4 8.4 0 12.4M8 1.8c-4 4-4 8.4 0 12.4",
  theme: "M8 2v12a6 6 0 0 0 0-12zM8 2a6 6 0 0 0 0 12",
  logout: "M6.5 2.5h-4v11h4M10.5 5l3 3-3 3M13.5 8H6",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5l3.5 3.5L13 4.5",
  warn: "M8 2l6.5 11.5h-13zM8 6.5v3.5M8 11.8v.1",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.2 3.2",
  filter: "M2 3.5h12L9.5 8.5v4l-3 1.5V8.5z",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  keyboard: "M1.5 4h13v8.5h-13zM4 6.7h.1M6.7 6.7h.1M9.3 6.7h.1M12 6.7h.1M5 9.8h6",
  trash: "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9M6.8 7v4M9.2 7v4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  eye: "M1.5 8s2.4-4.5 6.5-4.5S14.5 8 14.5 8s-2.4 4.5-6.5 4.5S1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  hidden: "M1.5 8s2.4-4.5 6.5-4.5S14.5 8 14.5 8s-2.4 4.5-6.5 4.5S1.5 8 1.5 8zM3 13L13 3",
  download: "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11",
  upload: "M8 11V3M4.5 6L8 2.5 11.5 6M2.5 13.5h11",
  table: "M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.7h11M6.5 3v10",
  chart: "M2.5 2.5v11h11M4.5 10l3-3.5 2.5 2 3-4",
  left: "M10 3L5 8l5 5",
  right: "M6 3l5 5-5 5",
  down: "M3.5 6L8 10.5 12.5 6",
  user: "M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4zM2.8 13.5c.5-2.7 2.5-4 5.2-4s4.7 1.3 5.2 4",
  plug: "M6 2v3.5M10 2v3.5M4 5.5h8v2.5a4 4 0 0 1-8 0zM8 12v2.5",
  logs: "M3.5 2h9v12h-9zM5.5 5h5M5.5 8h5M5.5 11h3",
  heat: "M2.5 2.5h3v3h-3zM6.5 2.5h3v3h-3zM10.5 2.5h3v3h-3zM2.5 6.5h3v3h-3zM6.5 6.5h3v3h-3zM10.5 6.5h3v3h-3zM2.5 10.5h3v3h-3zM6.5 10.5h3v3h-3zM10.5 10.5h3v3h-3z",
  token: "M2 4.5h12v7H2zM5 8h.1M8 8h.1M11 8h.1",
  link: "M9 2.5h4.5V7M13.5 2.5L7 9M11.5 9v4.5h-9v-9H7",
  plus: "M8 3v10M3 8h10",
  bell: "M4 11.5V7a4 4 0 0 1 8 0v4.5l1.2 1H2.8zM6.8 14.5h2.4",
  spark: "M8 1.5v4M8 10.5v4M1.5 8h4M10.5 8h4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
