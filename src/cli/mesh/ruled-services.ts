import { restMappingsOf } from "../../control/rules/rest-entries.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { RuledService } from "../../registry-sync/present/context.ts";

/** The services that exist by rules alone and can be called. */
export function ruledServices({ rules, entries, schemas }: Snapshot): readonly RuledService[] {
  const mappings = restMappingsOf(rules);
  if (mappings.length === 0) return [];
  return entries
    .filter(({ mapped, endpoints }) => mapped === true && endpoints.length > 0)
    .map(({ service }) => {
      const named = mappings.find((rule) => rule.service.interface === service.interface);
      const published = schemas.find(({ name }) => name === service.interface)?.published;
      const methods = [...(named?.mapping.methods ?? []), ...(published?.methods ?? [])].map(({ name }) => name);
      return { service, methods };
    });
}
