// Bundles src/cli/main.ts with its dependencies into dist/cli.js: one file, started in a tenth of a second.
// dist/cli.js.LEGAL.txt carries the licence of every package in it.
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { DESCRIPTORS, ensureDescriptors } from "./xds-protos.mjs";

ensureDescriptors();

const { metafile } = await build({
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/cli.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
  legalComments: "none",
  metafile: true,
  // Large, and loaded by those alone who name a kubernetes:// registry.
  external: ["@kubernetes/client-node"],
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as trestleRequire } from "node:module"; const require = trestleRequire(import.meta.url);',
  },
});
await chmod("dist/cli.js", 0o755);
await writeFile("dist/cli.js.LEGAL.txt", await notices(Object.keys(metafile.inputs)));

/** Name, version, licence and licence text of each package that the inputs come from. Fails on one without a licence text. */
async function notices(inputs) {
  const folders = new Set(inputs.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  if (inputs.includes(DESCRIPTORS)) folders.add("node_modules/@grpc/grpc-js-xds");
  const parts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? await textElsewhere(name, folder) : await readFile(`${folder}/${file}`, "utf8");
    parts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return parts.join(`\n${"-".repeat(72)}\n\n`);
}

/** The licence text of a package that has no file with it. Fails on one that is not known. */
async function textElsewhere(name, folder) {
  // Its protos are Envoy's, Google's and the CNCF's, all under Apache-2.0 as this project is.
  if (name === "@grpc/grpc-js-xds") return readFile("LICENSE", "utf8");
  if (name !== "@bufbuild/protobuf") throw new Error(`${name} has no licence text to carry along`);
  // Apache-2.0, as this project is; and the BSD licence of the code that it took from Google, at the head of that file.
  const varint = await readFile(`${folder}/dist/esm/wire/varint.js`, "utf8");
  const notice = /^(?:\/\/.*\n)+/.exec(varint)?.[0].replace(/^\/\/ ?/gm, "");
  if (!notice?.includes("Redistributions"))
    throw new Error(`${name} has no notice in ${folder}/dist/esm/wire/varint.js`);
  return `${await readFile("LICENSE", "utf8")}\n${notice}`;
}
