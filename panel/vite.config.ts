import { defineConfig, type Plugin } from "vite";
import { LANGUAGES } from "./src/i18n/area";
import { messages } from "./src/i18n/messages";

/** Data for the script, which need not be run to be there. */
function placed(id: string, data: unknown): string {
  return `<script type="application/json" id="${id}">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>`;
}

/** The messages: their keys, and what they are in each language. */
function words(): string[] {
  const columns = LANGUAGES.map((name, column) => placed(`words-${name}`, Object.values(messages).map((message) => message[column])));
  return [placed("words-keys", Object.keys(messages)), ...columns];
}

/** A part of the script as a text: `part`, in `index.html`, runs it. */
function part(name: string, code: string): string {
  const text = `(function(exports,require){"use strict";${code.trim()}})(part["./${name}"],part)\n//# sourceURL=${name}`;
  return `<script type="text/plain" id="./${name}">${text.replaceAll("</script", "<\\/script")}</script>`;
}

/** Puts script, styles and messages into the page, so that one file is all there is to serve. */
function onePage(): Plugin {
  return {
    name: "one-page",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("there is no page to put things into");
      const texts = words();
      let styles = "";
      for (const [name, made] of Object.entries(bundle)) {
        if (made.type === "chunk") texts.push(part(name, made.code));
        else if (name.endsWith(".css")) styles += String(made.source);
        if (made !== page) delete bundle[name];
      }
      const html = String(page.source)
        .replace(/<script type="module"[^>]*><\/script>\s*/, "")
        .replace(/<link rel="stylesheet"[^>]*>\s*/, "");
      // Functions, since `$&` in the text would mean something in a replacement string.
      page.source = html
        .replace("</head>", () => `<style>${styles.trim()}</style>\n</head>`)
        .replace("<!-- parts -->", () => texts.join("\n"));
      page.fileName = "management.html";
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [onePage()],
  build: {
    target: "es2022",
    outDir: "../cpamp/web/panel",
    emptyOutDir: false,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      checks: { emptyImportMeta: false },
      output: { format: "cjs", entryFileNames: "[name].js", chunkFileNames: "[name].js" },
    },
  },
});
