import { buildH2spec } from "./h2spec.ts";
import { buildPeer } from "./maven.ts";

// `make peers`: outside the network namespace, where a Maven repository can be reached.
for (const name of ["dubbo", "hessian", "spring"]) {
  await buildPeer(name, (text) => console.log(text));
}
// Only h2spec's own test fails without it.
await buildH2spec((text) => console.log(text)).catch((error: Error) => console.error(`h2spec: ${error.message}`));
