import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from "yaml";
import type { Position } from "../../base/errors.ts";
import type { Finding } from "../../model/entry.ts";
import type { DestinationRule, Located, Rule, VirtualService } from "../../model/rule.ts";
import { createFindingList, type Report } from "./findings.ts";
import { readGateway, type WithAnnotations } from "./gateway-object.ts";
import { KINDS } from "./istio-schema.ts";
import { readRestSpec } from "./rest-mapping.ts";
import { positionOf, quote, type ReadContext, readNode } from "./schema.ts";
import { readServiceEntry } from "./service-entry-object.ts";

/** What one file holds. */
export interface ParsedFile {
  /** Its rules in the order of the text; empty where the text is wrong. */
  readonly rules: readonly Rule[];
  readonly findings: readonly Finding[];
  /** False where a fault of the text must keep its rules from use: the file's last good state stays in force. */
  readonly valid: boolean;
}

/** Largest rule file, bytes. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_DOCUMENTS = 5_000;
const MAX_NODES = 500_000;

const YAML_OPTIONS = { prettyErrors: false, uniqueKeys: true } as const;

const API_VERSION = /^networking\.istio\.io\/(v1|v1beta1|v1alpha3)$/;
/** Of Trestle's own kinds. */
const OWN_API_VERSION = "trestle.io/v1alpha1";

/** Kinds whose neglect would open what its author meant to shut. */
const SECURITY_KINDS = [
  "AuthorizationPolicy",
  "PeerAuthentication",
  "RequestAuthentication",
  "DubboAuthorizationPolicy",
];

/** Codes that tell of an object left out, while the rest of the file holds. */
const HARMLESS = new Set(["TR0204", "TR0205", "TR0227", "TR0228", "TR0236", "TR0240"]);

/**
 * Reads the rules of one file: YAML of any number of documents, or JSON; objects of kind `List` are taken apart.
 * Never throws: whatever is wrong becomes a finding with file, line and column, all at once.
 */
export function parseRules(file: string, text: string): ParsedFile {
  const found = createFindingList();
  let valid = true;
  const report: Report = (code, position, message) => {
    if (!HARMLESS.has(code)) valid = false;
    found.report(code, position, message);
  };
  const rules: Rule[] = [];
  try {
    readDocuments(file, text, rules, report);
  } catch (error) {
    // The YAML reader recurses; nesting that exhausts the stack ends here.
    const reason =
      error instanceof RangeError ? "it is nested too deeply" : error instanceof Error ? error.message : String(error);
    report("TR0202", { file, line: 1, column: 1 }, `${file} can't be read as YAML: ${reason}`);
  }
  return { rules: valid ? rules : [], findings: found.list(), valid };
}

function readDocuments(file: string, text: string, rules: Rule[], report: Report): void {
  const lines = new LineCounter();
  const parsed = text.length > MAX_FILE_BYTES ? [] : parseAllDocuments(text, { ...YAML_OPTIONS, lineCounter: lines });
  const documents = Array.isArray(parsed) ? parsed : [];
  if (text.length > MAX_FILE_BYTES || documents.length > MAX_DOCUMENTS) {
    const limits = `${MAX_FILE_BYTES} bytes or ${MAX_DOCUMENTS} documents`;
    report("TR0216", { file, line: 1, column: 1 }, `${file} is over the limit of ${limits}`);
    return;
  }
  for (const document of documents) {
    for (const error of [...document.errors, ...document.warnings]) {
      const { line, col } = lines.linePos(error.pos[0]);
      report("TR0202", { file, line: Math.max(1, line), column: Math.max(1, col) }, firstLine(error.message));
    }
    if (document.errors.length === 0)
      readTop(document.contents, rules, { document, file, lines, report, budget: MAX_NODES }, 0);
  }
}

function readTop(node: unknown, rules: Rule[], context: ReadContext, depth: number): void {
  if (node === null || (isScalar(node) && node.value === null)) return;
  const { report } = context;
  const kind = isMap(node) ? node.get("kind") : undefined;
  if (!isMap(node) || typeof kind !== "string") {
    const what = isMap(node)
      ? "object has no kind, such as VirtualService"
      : "document is no object with apiVersion and kind";
    report("TR0203", positionOf(node, context), what);
    return;
  }
  const items = node.get("items", true);
  if (kind.endsWith("List") && isSeq(items) && depth === 0) {
    for (const item of items.items)
      readTop(isAlias(item) ? item.resolve(context.document) : item, rules, context, depth + 1);
  } else if (kind === "VirtualService" || kind === "DestinationRule" || kind === "Gateway" || kind === "ServiceEntry") {
    checkApiVersion(kind, node, context);
    const read = readNode(node, KINDS[kind], kind, context);
    if (read !== undefined) rules.push(toRule(kind, read as WholeObject, report));
  } else if (kind === "RestMapping") {
    const apiVersion = node.get("apiVersion");
    if (typeof apiVersion === "string" && apiVersion !== OWN_API_VERSION)
      report(
        "TR0209",
        positionOf(node.get("apiVersion", true), context),
        `apiVersion of a ${kind} must be ${OWN_API_VERSION}`,
      );
    const read = readNode(node, KINDS[kind], kind, context);
    if (read !== undefined) rules.push(toRule(kind, read as WholeObject, report));
  } else {
    reportOtherKind(kind, positionOf(node.get("kind", true), context), report);
  }
}

function checkApiVersion(kind: string, node: YAMLMap, context: ReadContext): void {
  const apiVersion = node.get("apiVersion");
  if (typeof apiVersion !== "string" || API_VERSION.test(apiVersion)) return;
  const position = positionOf(node.get("apiVersion", true), context);
  context.report("TR0209", position, `apiVersion of a ${kind} must be networking.istio.io/v1, v1beta1 or v1alpha3`);
}

function reportOtherKind(kind: string, position: Position, report: Report): void {
  if (SECURITY_KINDS.includes(kind))
    report("TR0205", position, `${kind} is not enforced by this version: calls are not restricted by it`);
  else report("TR0204", position, `objects of kind ${quote(kind)} are not applied as rules; this one is left out`);
}

interface WholeObject extends Located {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
  } & WithAnnotations;
  readonly spec: Located & Record<string, unknown>;
}

function toRule(kind: Rule["kind"], { at, metadata, spec }: WholeObject, report: Report): Rule {
  const identity = {
    at: { position: at.position, fields: spec.at.fields },
    name: metadata.name,
    namespace: metadata.namespace ?? "default",
    createdAtMs: metadata.creationTimestamp === undefined ? undefined : Date.parse(metadata.creationTimestamp),
  };
  if (kind === "ServiceEntry") return { kind, ...identity, ...readServiceEntry(spec, report) };
  if (kind === "RestMapping") return { kind, ...identity, ...readRestSpec(spec) };
  if (kind === "Gateway") return { kind, ...identity, ...readGateway(metadata, spec, report) };
  if (kind === "VirtualService") {
    const { hosts, gateways, http } = spec as unknown as {
      hosts: string[];
      gateways?: string[];
      http?: VirtualService["http"];
    };
    const inMesh = gateways === undefined || gateways.length === 0 || gateways.includes("mesh");
    const others = (gateways ?? []).filter((gateway) => gateway !== "mesh");
    return { kind, ...identity, hosts, inMesh, gateways: others, http: http ?? [] };
  }
  const { host, subsets, trafficPolicy } = spec as unknown as DestinationRule;
  return { kind, ...identity, host, subsets: subsets ?? [], ...(trafficPolicy === undefined ? {} : { trafficPolicy }) };
}

function firstLine(message: string): string {
  const line = message.split("\n", 1)[0]!;
  return line.charAt(0).toLowerCase() + line.slice(1);
}
