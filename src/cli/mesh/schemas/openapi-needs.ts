import { dirname, resolve } from "node:path";
import { restMappingsOf } from "../../../control/rules/rest-entries.ts";
import { printPosition } from "../../../model/rule.ts";
import type { OpenapiPairing } from "../../../model/schema.ts";
import { printServiceKey } from "../../../model/service.ts";
import type { Snapshot } from "../../../model/snapshot.ts";
import { type AskedPlace, askedPlace } from "../reach.ts";

/** An interface whose requests a document describes. */
export interface DocumentNeed {
  /** The interface. */
  readonly name: string;
  readonly pairing: OpenapiPairing;
  /** Path of a file that has the document; undefined where the endpoints are asked. */
  readonly file: string | undefined;
  /** Who may be asked; none while all are gone. */
  readonly endpoints: readonly AskedPlace[];
  /** Names of the methods that the rule has itself. */
  readonly own: readonly string[];
  /** `file:line:column` of what asks for it. */
  readonly at: string;
}

/** The documents that RestMapping rules name: one for each interface, the oldest rule's. Files are found from the rule's own. */
export function documentNeeds({ rules, entries }: Pick<Snapshot, "rules" | "entries">): readonly DocumentNeed[] {
  const needs = new Map<string, DocumentNeed | undefined>();
  for (const { service, mapping, at } of restMappingsOf(rules)) {
    const { interface: name } = service;
    if (needs.has(name)) continue;
    const pairing = mapping.openapi;
    needs.set(name, undefined);
    if (pairing === undefined) continue;
    const key = printServiceKey(service);
    const entry = entries.find((one) => one.mapped === true && printServiceKey(one.service) === key);
    const endpoints = (entry?.endpoints ?? []).filter(({ disabled }) => !disabled);
    needs.set(name, {
      ...{ name, pairing, at: printPosition(at.fields["openapi"] ?? at.position) },
      file: pairing.file === undefined ? undefined : resolve(dirname(at.position.file), pairing.file),
      own: mapping.methods.map((method) => method.name),
      endpoints: endpoints.map(askedPlace),
    });
  }
  return [...needs.values()].filter((need) => need !== undefined);
}
