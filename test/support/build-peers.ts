import { buildPeer } from "./maven.ts";

// `make peers`: outside the network namespace, where a Maven repository can be reached.
for (const name of ["dubbo", "hessian"]) {
  await buildPeer(name, (text) => console.log(text));
}
