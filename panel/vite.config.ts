import { defineConfig, type Plugin } from "vite";

/** Puts script and styles into the page, so that one file is all there is to serve. */
function onePage(): Plugin {
  return {
    name: "one-page",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("there is no page to put things into");
      let script = "";
      let styles = "";
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === "chunk") script += part.code;
        else if (name.endsWith(".css")) styles += String(part.source);
        if (part !== page) delete bundle[name];
      }
      const html = String(page.source)
        .replace(/<script type="module"[^>]*><\/script>\s*/, "")
        .replace(/<link rel="stylesheet"[^>]*>\s*/, "");
      // Functions, since `$&` in the text would mean something in a replacement string.
      page.source = html
        .replace("</head>", () => `<style>${styles.trim()}</style>\n</head>`)
        .replace(
          "</body>",
          () => `<script type="module">${script.trim().replaceAll("</script", "<\\/script")}</script>\n</body>`,
        );
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
  },
});
