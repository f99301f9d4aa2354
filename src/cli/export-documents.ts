import { toMetaRouter } from "../control/export/meta-router.ts";
import { withAttachedRules } from "../control/rules/attached-rules.ts";
import { mergeDelegates } from "../control/rules/delegates.ts";
import { indexEntries, indexRules } from "../control/rules/hosts.ts";
import { lowerService } from "../control/rules/lower/lower.ts";
import type { Entry } from "../model/entry.ts";
import type { Rule } from "../model/rule.ts";
import type { MetaRouter } from "../model/rules/meta-router.ts";
import { toAerakiEntry } from "../registry-sync/entries/aeraki.ts";
import { fileNameOf, printServiceEntry } from "../registry-sync/sinks/files.ts";
import { printYaml } from "../registry-sync/sinks/plain-yaml.ts";
import type { TrestleConfig } from "./config/config.ts";
import { serviceEntryStyle } from "./mesh/shaping.ts";
import { OWNER } from "./mesh/sync.ts";

/** What `trestle export` writes. */
export const EXPORT_FORMATS = ["serviceentry", "files", "aeraki", "envoy"] as const;

/** One of {@link EXPORT_FORMATS}. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Documents in YAML with the names of their files, and what of the rules none of them says, one line each. */
export interface Exported {
  readonly documents: readonly { readonly file: string; readonly text: string }[];
  readonly lost: readonly string[];
}

/** What is exported. */
export interface ExportedWorld {
  readonly entries: readonly Entry[];
  /** Oldest first. */
  readonly rules: readonly Rule[];
}

/** Prints entries and rules in a format; equal worlds give equal text. */
export function exportDocuments(
  format: Exclude<ExportFormat, "envoy">,
  world: ExportedWorld,
  config: Pick<TrestleConfig, "naming" | "registries" | "mesh">,
): Exported {
  switch (format) {
    case "serviceentry":
    case "files": {
      const style = serviceEntryStyle(config);
      const documents = world.entries.map((entry) => ({
        file: fileNameOf(entry.host),
        text: printServiceEntry(entry, OWNER, style),
      }));
      return { documents, lost: [] };
    }
    case "aeraki":
      return exportAeraki(world, config.mesh.namespace);
    default:
      return format satisfies never;
  }
}

/** Limits are Aeraki's already: the objects that have them are for the user to take along. */
function unexportedLimits(rules: ReadonlySet<MetaRouter | undefined>): string[] {
  return [...rules]
    .filter((rule) => rule !== undefined)
    .map(({ at: { position }, name }) => {
      return `${position.file}:${position.line}: limits of MetaRouter ${name} are not exported: put them into the MetaRouter of the host`;
    });
}

function exportAeraki({ entries, rules }: ExportedWorld, namespace: string): Exported {
  const { virtualServices, limits } = indexRules(mergeDelegates(withAttachedRules(rules)));
  const index = indexEntries(entries);
  // Others are HTTP's or gRPC's, which Istio rules by itself.
  const dubbo = entries.filter(({ endpoints }) => endpoints.some(({ protocol }) => protocol === "dubbo"));
  const routers = dubbo.flatMap((entry) => {
    const lowered = lowerService(entry, virtualServices.find(entry), index);
    const exported = toMetaRouter(entry, lowered, namespace);
    return exported === undefined ? [] : [{ ...exported, file: `metarouter-${fileNameOf(entry.host)}` }];
  });
  return {
    documents: [
      ...dubbo.map((entry) => ({ file: fileNameOf(entry.host), text: printYaml(toAerakiEntry(entry, OWNER)) })),
      ...routers.map(({ file, router }) => ({ file, text: printYaml(router) })),
    ],
    lost: [
      ...routers.flatMap(({ lost }) => lost),
      ...unexportedLimits(new Set(dubbo.map((entry) => limits.find(entry)))),
    ],
  };
}
