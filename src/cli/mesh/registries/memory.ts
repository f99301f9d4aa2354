import { createMemorySource } from "../../../registry-sync/sources/memory.ts";
import type { OpenSource } from "./source-parts.ts";

/** A registry that holds nothing: for a mesh of rules alone. What programs put into a memory source they hold themselves. */
export const openMemory: OpenSource = ({ config, onConnected }) => {
  const source = createMemorySource(config.name);
  source.set({ entries: [], consumers: [], findings: [] });
  onConnected(true);
  return source;
};
