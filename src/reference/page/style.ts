/** Light and dark as the reader's system says; nothing is loaded. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ink: light-dark(#1b1f24, #e6e8eb);
  --quiet: light-dark(#59616b, #a3abb5);
  --line: light-dark(#d9dde2, #343a42);
  --paper: light-dark(#fff, #14171a);
  --raised: light-dark(#f5f6f8, #1d2126);
  --link: light-dark(#0b5cad, #7cb8f5);
  --mark: light-dark(#fff6d6, #33301d);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
header { padding: 20px 24px 8px; border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 24px; }
h2 { margin: 48px 0 8px; font-size: 20px; }
h3 { margin: 0 0 4px; font-size: 17px; }
h4 { margin: 20px 0 4px; font-size: 14px; }
a { color: var(--link); }
h3 a { color: inherit; text-decoration: none; }
h3 a:hover, h3 a:focus-visible { text-decoration: underline; }
.columns { display: grid; grid-template-columns: 260px minmax(0, 860px); gap: 32px; padding: 0 24px; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; padding: 8px 0 24px; overflow: auto; font-size: 14px; }
nav h2 { margin: 18px 0 2px; font-size: 14px; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav a { display: block; padding: 2px 0; text-decoration: none; }
nav a:hover, nav a:focus-visible { text-decoration: underline; }
main { padding-bottom: 96px; }
.entry { margin: 16px 0; padding: 16px; border: 1px solid var(--line); border-radius: 10px; scroll-margin-top: 12px; }
.entry:target { background: var(--mark); }
.route { margin: 0; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 62px; font-weight: 650; }
.quiet { color: var(--quiet); font-size: 13px; font-weight: 400; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th, td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-weight: 500; }
tbody th { font-weight: 400; white-space: nowrap; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { position: relative; margin: 6px 0; padding: 10px 12px; overflow-x: auto; border-radius: 8px; background: var(--raised); }
.answer p { margin: 8px 0 4px; }
button { position: absolute; top: 6px; right: 6px; padding: 2px 10px; border: 1px solid var(--line); border-radius: 6px;
  background: var(--paper); color: var(--ink); font: 13px system-ui, sans-serif; cursor: pointer; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 8px; top: 8px; padding: 6px 10px; background: var(--paper); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 800px) {
  .columns { display: block; padding: 0 16px; }
  nav { position: static; max-height: none; }
}
`;

/** Without it everything can be read and selected; with it commands can be copied, and name this very service. */
export const SCRIPT = `
for (const block of document.querySelectorAll("pre[data-copy]")) {
  const code = block.querySelector("code");
  code.textContent = code.textContent.replace("http://127.0.0.1:8787", location.origin);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}
`;
