import type { Gateway, GatewayServer } from "../../model/rule.ts";
import type { Located } from "../../model/rules/located.ts";
import type { Report } from "./findings.ts";
import { quote } from "./schema.ts";

/** What is read of an object's metadata beside its name. */
export interface WithAnnotations {
  readonly annotations?: Readonly<Record<string, string>> | null;
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
  { annotations }: WithAnnotations,
  spec: Located & Record<string, unknown>,
  report: Report,
): Pick<Gateway, "servers" | "expose"> {
  const { selector, servers } = spec as unknown as {
    readonly selector?: Readonly<Record<string, string>>;
    readonly servers: readonly (GatewayServer & { readonly tls?: unknown })[];
  };
  const others = Object.keys(selector ?? {}).filter((label) => label !== "istio");
  if (others.length > 0) {
    const position = spec.at.fields.selector ?? spec.at.position;
    report("TR0227", position, `selector ${others.join(", ")} chooses nothing here: one proxy serves every Gateway`);
  }
  const text = annotations?.[EXPOSE] ?? "";
  const { hosts, wrong } = splitExposed(text);
  for (const part of wrong)
    report(
      "TR0209",
      spec.at.position,
      `annotation ${EXPOSE} has ${part}; it takes up to ${MAX_EXPOSED} interface names or patterns such as "com.acme.*"`,
    );
  return {
    servers: servers.filter((server) => isServed(server, report)).map(({ tls: _, ...server }) => server),
    expose: hosts,
  };
}

function isServed({ at, port, tls }: GatewayServer & { readonly tls?: unknown }, report: Report): boolean {
  const protocol = port.protocol.toUpperCase();
  if (tls !== undefined || protocol === "HTTPS" || protocol === "TLS") {
    report(
      "TR0240",
      at.fields.tls ?? port.at.fields.protocol ?? at.position,
      `TLS is not supported yet: port ${port.number} is not opened`,
    );
    return false;
  }
  if (PLAIN.includes(protocol)) return true;
  report(
    "TR0240",
    port.at.fields.protocol ?? at.position,
    `protocol ${port.protocol} is not served: port ${port.number} is not opened; it must be one of ${PLAIN.join(", ")}`,
  );
  return false;
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
