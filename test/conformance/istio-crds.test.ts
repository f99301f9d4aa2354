import { readFileSync } from "node:fs";
import { DestinationRule } from "@kubernetes-models/istio/networking.istio.io/v1/DestinationRule";
import { Gateway } from "@kubernetes-models/istio/networking.istio.io/v1/Gateway";
import { ServiceEntry } from "@kubernetes-models/istio/networking.istio.io/v1/ServiceEntry";
import { Sidecar } from "@kubernetes-models/istio/networking.istio.io/v1/Sidecar";
import { VirtualService } from "@kubernetes-models/istio/networking.istio.io/v1/VirtualService";
import { WorkloadEntry } from "@kubernetes-models/istio/networking.istio.io/v1/WorkloadEntry";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { KINDS } from "../../src/control/rules/kinds/istio-schema.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import type { ObjectShape } from "../../src/control/rules/schema.ts";
import { crdFields, shapeFields } from "../support/crd-fields.ts";
import { caseFile, ruleCases } from "../support/rule-cases.ts";

/** Fields that Trestle's schemas take and the CRDs of Istio 1.29.2 do not: forms that are newer, and why each is there. */
const OURS_ALONE: Readonly<Record<string, readonly RegExp[]>> = {
  // Of the newer API (2026): zone-aware balancing, error codes of outlier detection, keep-alive of HTTP/2, the interval of a retry budget.
  DestinationRule: [
    /\.loadBalancer\.zoneAwareLbSetting\b/,
    /\.outlierDetection\.outlierDetectionHttpErrorCodes(\[\])?$/,
    /\.http\.http2KeepAlive$/,
    /\.retryBudget\.budgetInterval$/,
  ],
  // Of the newer API: a redirect of the prefix alone.
  // The older form of an abort's percentage.
  VirtualService: [/^http\[\]\.redirect\.prefixRewrite$/, /\.abort\.percent$/],
  // Of the newer API: no check of the client's certificate.
  Gateway: [/^servers\[\]\.tls\.insecureSkipVerify$/],
  Sidecar: [/\.tls\.insecureSkipVerify$/, /\.http\.http2KeepAlive$/],
};

const NETWORKING = [
  "VirtualService",
  "DestinationRule",
  "Gateway",
  "ServiceEntry",
  "WorkloadEntry",
  "Sidecar",
] as const;

test.each(NETWORKING)(
  "the fields of %s, and their types, are those of Istio's own CRD, but for a list that is known",
  (kind) => {
    const theirs = crdFields("networking.istio.io", "v1", kind);
    const ours = shapeFields(KINDS[kind].fields.spec!.shape as ObjectShape);
    expect([...theirs.keys()].filter((path) => !ours.has(path))).toEqual([]);
    const added = [...ours.keys()].filter((path) => !theirs.has(path));
    const known = OURS_ALONE[kind] ?? [];
    expect(added.filter((path) => !known.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(known.filter((pattern) => !added.some((path) => pattern.test(path)))).toEqual([]);
    const differ = [...theirs].filter(([path, type]) => ours.get(path) !== type && ours.get(path) !== "anything");
    expect(differ.map(([path, type]) => `${path}: ${type}, here ${ours.get(path)}`)).toEqual([]);
  },
);

const MODELS = { VirtualService, DestinationRule, Gateway, ServiceEntry, WorkloadEntry, Sidecar };

/** What the CRDs' own schema says of the objects of a text, kinds of other groups aside. */
function crdFaults(text: string): string[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as { readonly kind?: string } | null;
    const Model = MODELS[object?.kind as keyof typeof MODELS] as new (object: unknown) => { validate(): void };
    if (Model === undefined) return [];
    try {
      new Model({ ...object, apiVersion: "networking.istio.io/v1" }).validate();
      return [];
    } catch (error) {
      return [`${object!.kind}: ${(error as Error).message}`];
    }
  });
}

test.each(ruleCases())(
  "the objects of fixtures/rules/%s are right by the CRDs' own schema where Trestle takes them",
  (name) => {
    const text = readFileSync(caseFile(name, "in"), "utf8");
    if (parseRules(name, text.slice(text.indexOf("\n---\n"))).valid) expect(crdFaults(text)).toEqual([]);
  },
);

test("the CRDs' own schema is asked", () => {
  expect(crdFaults("kind: VirtualService\nspec: {hosts: [5]}\n")).toEqual([
    "VirtualService: data/spec/hosts/0 must be string",
  ]);
});
