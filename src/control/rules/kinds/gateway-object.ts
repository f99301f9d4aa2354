import type { Gateway, GatewayServer } from "../../../model/rule.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";
import { quote } from "../schema.ts";
import { PASSTHROUGH, readGatewayTls, type WrittenTls } from "./gateway-tls-object.ts";

/** What is read of an object's metadata beside its name. */
export interface ObjectMetadata {
  readonly annotations?: Readonly<Record<string, string>> | null;
  /** Of a WorkloadEntry. */
  readonly labels?: Readonly<Record<string, string>> | null;
}

/** The annotation that exposes services without a VirtualService: interface names and patterns, parted by commas. */
export const EXPOSE = "trestle.io/expose";

/** What is spoken in plain text; one listener takes them all. */
const PLAIN = ["HTTP", "HTTP2", "GRPC", "GRPC-WEB"];

/** Most patterns that one Gateway names. */
const MAX_EXPOSED = 100;

const PATTERN = /^(?:\*|(?:\*\.)?[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+)*(?:\.\*)?)$/;

/** A Gateway's spec as the model has it; servers that can't be served are reported and left out. */
export function readGateway(
  { annotations }: ObjectMetadata,
  spec: Located & Record<string, unknown>,
  report: Report,
): Pick<Gateway, "servers" | "expose" | "selector"> {
  const { selector, servers } = spec as unknown as {
    readonly selector?: Readonly<Record<string, string>>;
    readonly servers: readonly WrittenServer[];
  };
  const text = annotations?.[EXPOSE] ?? "";
  const { hosts, wrong } = splitExposed(text);
  for (const part of wrong)
    report(
      "TR0209",
      spec.at.position,
      `annotation ${EXPOSE} has ${part}; it takes up to ${MAX_EXPOSED} interface names or patterns such as "com.acme.*"`,
    );
  return {
    ...(selector !== undefined && Object.keys(selector).length > 0 && { selector }),
    servers: servers.flatMap((server) => readServer(server, report) ?? []),
    expose: hosts,
  };
}

type WrittenServer = Omit<GatewayServer, "tls"> & { readonly tls?: WrittenTls };

/** A server as the model has it; undefined, with a finding, where it can't be served. */
function readServer({ tls, ...server }: WrittenServer, report: Report): GatewayServer | undefined {
  const { at, port } = server;
  const protocol = port.protocol.toUpperCase();
  const passes = tls?.mode === PASSTHROUGH && (protocol === "TLS" || protocol === "HTTPS");
  if (passes) return { ...server, tls: { mode: PASSTHROUGH } };
  const isSecure = protocol === "HTTPS";
  const refuse = (why: string): undefined =>
    report(
      "TR0240",
      at.fields["tls"] ?? port.at.fields["protocol"] ?? at.position,
      `${why}: port ${port.number} is not opened`,
    ) as undefined;
  if (protocol === "TLS") return refuse("TLS that is ended here is HTTPS; protocol TLS needs tls.mode PASSTHROUGH");
  if (!isSecure && !PLAIN.includes(protocol))
    return report(
      "TR0240",
      port.at.fields["protocol"] ?? at.position,
      `protocol ${port.protocol} is not served: port ${port.number} is not opened; it must be one of ${[...PLAIN, "HTTPS"].join(", ")}`,
    ) as undefined;
  if (!isSecure) {
    const { at: _, httpsRedirect, ...others } = tls ?? { at };
    if (Object.keys(others).length > 0) return refuse("tls is for protocol HTTPS, but for httpsRedirect");
    return httpsRedirect === true ? { ...server, sendsToHttps: true } : server;
  }
  if (tls === undefined) return refuse("HTTPS needs tls");
  if (tls.httpsRedirect === true)
    report(
      "TR0227",
      tls.at.fields["httpsRedirect"] ?? at.position,
      "tls.httpsRedirect does nothing: it is for protocol HTTP",
    );
  const read = readGatewayTls(tls, report);
  return typeof read === "string" ? refuse(read) : { ...server, tls: read };
}

/** Takes a comma list of interface names and patterns apart; `wrong` are quoted parts that are neither, or too many. */
function splitExposed(text: string): { readonly hosts: readonly string[]; readonly wrong: readonly string[] } {
  const parts = text
    .split(",", MAX_EXPOSED + 1)
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (parts.length > MAX_EXPOSED) return { hosts: [], wrong: [`more than ${MAX_EXPOSED} parts`] };
  const isRight = (part: string) => part.length <= 512 && PATTERN.test(part);
  return { hosts: parts.filter(isRight), wrong: parts.filter((part) => !isRight(part)).map(quote) };
}
