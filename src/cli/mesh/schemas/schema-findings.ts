import type { Finding } from "../../../model/entry.ts";

/** Every finding about where the types of calls come from, but for registries' own (TR0160); docs/findings.md lists them. */
export const SCHEMA_FINDINGS = {
  TR0301: { severity: "error", title: "a proto file, descriptor set or folder of them can't be read" },
  TR0302: { severity: "error", title: "a proto file or descriptor set is wrong; its last good state stays in force" },
  TR0303: { severity: "warning", title: "a gRPC service is defined in two files; the first one counts" },
  TR0304: { severity: "error", title: "a limit on proto files was passed" },
  TR0310: { severity: "info", title: "types of a service are not known where a translation may need them" },
  TR0311: { severity: "info", title: "Java's types of services are not known; calls that lack them are generic" },
  TR0320: { severity: "warning", title: "the OpenAPI document of a RestMapping can't be used" },
  TR0321: { severity: "warning", title: "method without an operation in the OpenAPI document" },
  TR0322: { severity: "info", title: "operation of an OpenAPI document that no call can be" },
  TR0323: { severity: "info", title: "enums of an OpenAPI document without a class" },
} as const satisfies Readonly<Record<string, Pick<Finding, "severity"> & { readonly title: string }>>;

/** Makes a finding of a known code; its severity is the table's. */
export function schemaFinding(code: keyof typeof SCHEMA_FINDINGS, message: string, at: string): Finding {
  return { code, severity: SCHEMA_FINDINGS[code].severity, message, at };
}
