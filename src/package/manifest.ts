/** What the repository's own package.json says that the package says, too. */
export interface Repository {
  name: string;
  version: string;
  license: string;
}

/**
 * The package.json of the package. It has no dependencies: what the Worker needs is none of its users' business
 * (docs/decisions/0019). `entries` are what it offers, as in `rollcall/client`.
 */
export function manifestOf({ name, version, license }: Repository, entries: readonly string[]): object {
  const exported = entries.map((entry) => [
    `./${entry}`,
    { types: `./types/${entry}/index.d.ts`, default: `./${entry}.js` },
  ]);
  const hasReact = entries.includes("react");
  return {
    name,
    version,
    description: "Presence and broadcast on Cloudflare Durable Objects: SDKs for pages, React and back ends",
    keywords: ["presence", "realtime", "websocket", "broadcast", "channels", "durable-objects", "cloudflare"],
    license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=22" },
    exports: { ...Object.fromEntries(exported), "./package.json": "./package.json" },
    files: ["*.js", "chunks", "types"],
    ...(hasReact && {
      peerDependencies: { react: ">=18" },
      peerDependenciesMeta: { react: { optional: true } },
    }),
  };
}
