import { buildDubboGo, buildGoTool, goTools } from "./go-peers.ts";
import { buildPeer } from "./maven.ts";

// `make peers`: outside the network namespace, where a Maven repository can be reached.
for (const name of ["dubbo", "hessian", "spring"]) {
  await buildPeer(name, (text) => console.log(text));
}
// Only the tests that run one of these fail without it.
for (const tool of goTools) {
  await buildGoTool(tool, (text) => console.log(text)).catch((error: Error) =>
    console.error(`${tool}: ${error.message}`),
  );
}
await buildDubboGo((text) => console.log(text)).catch((error: Error) => console.error(`dubbo-go: ${error.message}`));
