import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Finding } from "../../model/entry.ts";
import type { DestinationRule, Located, Rule, VirtualService } from "../../model/rule.ts";
import { createFindingList, type Report } from "./findings.ts";
import { KINDS } from "./istio-schema.ts";
import { positionOf, type ReadContext, readNode } from "./schema.ts";

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

const API_VERSION = /^networking\.istio\.io\/(v1|v1beta1|v1alpha3)$/;

/** Kinds whose neglect would open what its author meant to shut. */
const SECURITY_KINDS = [
  "AuthorizationPolicy",
  "PeerAuthentication",
  "RequestAuthentication",
  "DubboAuthorizationPolicy",
];

/** Codes that tell of an object left out, while the rest of the file holds. */
const HARMLESS = new Set(["TR0204", "TR0205", "TR0227", "TR0228", "TR0236"]);

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
  const start = { file, line: 1, column: 1 };
  if (text.length > MAX_FILE_BYTES) return report("TR0216", start, `${file} is over ${MAX_FILE_BYTES} bytes`);
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const documents = Array.isArray(parsed) ? parsed : [];
  if (documents.length > MAX_DOCUMENTS) return report("TR0216", start, `${file} has over ${MAX_DOCUMENTS} documents`);
  for (const document of documents) {
    for (const error of [...document.errors, ...document.warnings]) {
      const place = lines.linePos(error.pos[0]);
      report(
        "TR0202",
        { file, line: Math.max(1, place.line), column: Math.max(1, place.col) },
        firstLine(error.message),
      );
    }
    if (document.errors.length > 0) continue;
    const context: ReadContext = { document, file, lines, report, budget: MAX_NODES };
    readTop(document.contents, rules, context);
  }
}

function readTop(node: unknown, rules: Rule[], context: ReadContext): void {
  if (node === null || (isScalar(node) && node.value === null)) return;
  const { report } = context;
  const position = positionOf(node, context);
  if (!isMap(node)) return report("TR0203", position, "document is no object with apiVersion, kind and metadata");
  const kind = node.get("kind");
  if (typeof kind !== "string") return report("TR0203", position, "object has no kind, such as VirtualService");
  const items = node.get("items", true);
  if (kind.endsWith("List") && isSeq(items)) {
    for (const item of items.items) readTop(isAlias(item) ? item.resolve(context.document) : item, rules, context);
    return;
  }
  if (kind !== "VirtualService" && kind !== "DestinationRule") {
    const at = positionOf(node.get("kind", true), context);
    if (SECURITY_KINDS.includes(kind))
      report("TR0205", at, `${kind} is not enforced by this version: calls are not restricted by it`);
    else
      report(
        "TR0204",
        at,
        `objects of kind ${JSON.stringify(kind.slice(0, 80))} are not applied as rules; this one is left out`,
      );
    return;
  }
  const apiVersion = node.get("apiVersion");
  if (typeof apiVersion === "string" && !API_VERSION.test(apiVersion))
    report(
      "TR0209",
      positionOf(node.get("apiVersion", true), context),
      `apiVersion of a ${kind} must be networking.istio.io/v1, v1beta1 or v1alpha3`,
    );
  const read = readNode(node, KINDS[kind], kind, context);
  if (read !== undefined) rules.push(toRule(kind, read as WholeObject));
}

interface WholeObject extends Located {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly creationTimestamp?: string };
  readonly spec: Located & Record<string, unknown>;
}

function toRule(kind: Rule["kind"], { at, metadata, spec }: WholeObject): Rule {
  const identity = {
    at: { position: at.position, fields: spec.at.fields },
    name: metadata.name,
    namespace: metadata.namespace ?? "default",
    createdAtMs: metadata.creationTimestamp === undefined ? undefined : Date.parse(metadata.creationTimestamp),
  };
  if (kind === "VirtualService") {
    const { hosts, gateways, http } = spec as unknown as {
      hosts: string[];
      gateways?: string[];
      http?: VirtualService["http"];
    };
    const inMesh = gateways === undefined || gateways.length === 0 || gateways.includes("mesh");
    return { kind, ...identity, hosts, inMesh, http: http ?? [] };
  }
  const { host, subsets, trafficPolicy } = spec as unknown as DestinationRule;
  return { kind, ...identity, host, subsets: subsets ?? [], ...(trafficPolicy === undefined ? {} : { trafficPolicy }) };
}

function firstLine(message: string): string {
  const line = message.split("\n", 1)[0]!;
  return line.charAt(0).toLowerCase() + line.slice(1);
}
