import { describeKill, sharedRegistry } from "../shared-registry.ts";
import { fileList, startFiles, startMemory } from "./local.ts";
import { describeSources } from "./run.ts";

// The list of all sources over what has no server: files, whose folder can be gone or full of anything, and worlds in memory.
const files = sharedRegistry(startFiles, { isLocal: true });
const memory = sharedRegistry(startMemory, { isLocal: true });
const sources = describeSources("file", ["file"], files, { lists: { file: fileList } });
const worlds = describeSources("memory", ["memory"], memory, { isReachable: "always" });
describeKill(files, [sources]);
describeKill(memory, [worlds], { isReachable: "always" });
