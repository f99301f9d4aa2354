import { REDIRECT_STATUS } from "../../../codecs/xds/route.ts";
import type { ReadContext, ReadObject } from "../schema.ts";
import { anyText, whole } from "./istio-values.ts";
import { object } from "./shapes.ts";

const STATUSES: ReadonlySet<number> = new Set(Object.values(REDIRECT_STATUS));
/** What a `location` can have for its authority and for its path. */
const AUTHORITY = /^[\w.:[\]-]*$/;
const PATH = /^[!-~]*$/;

/** Where a rule sends callers of HTTP, as Istio has it. */
export const redirect = object(
  {
    uri: { shape: anyText },
    authority: { shape: anyText },
    port: { shape: whole(0, 65_535) },
    derivePort: { shape: { type: "choice", of: ["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"] } },
    scheme: { shape: anyText },
    redirectCode: { shape: whole(0, 999) },
    prefixRewrite: { shape: anyText },
  },
  {
    exclusive: [
      ["uri", "prefixRewrite"],
      ["port", "derivePort"],
    ],
    into: (value, context, path) => {
      const { redirectCode: status, ...rest } = value;
      const whole = { ...rest, ...(status !== 0 && status !== undefined && { redirectCode: status }) } as ReadObject;
      return checkLocation(whole, context, path);
    },
  },
);

/** The redirect, or undefined with a finding for what no `location` can have; names of fields are Istio's and Gateway API's. */
export function checkLocation(value: ReadObject, { report }: ReadContext, path: string): ReadObject | undefined {
  for (const [field, said] of Object.entries(value)) {
    const why = faultOf(field, said);
    if (why === undefined) continue;
    report("TR0209", value.at.fields[field] ?? value.at.position, `${path}.${field} ${why}`);
    return undefined;
  }
  return value;
}

function faultOf(field: string, said: unknown): string | undefined {
  switch (field) {
    case "redirectCode":
    case "statusCode":
      return STATUSES.has(said as number) ? undefined : `is ${said}; it must be 301, 302, 303, 307 or 308`;
    case "scheme":
      return ["", "http", "https"].includes(said as string) ? undefined : "must be http or https";
    case "authority":
    case "hostname":
      return AUTHORITY.test(said as string) ? undefined : "must be a host, perhaps with a port";
    case "uri":
    case "prefixRewrite":
    case "replaceFullPath":
    case "replacePrefixMatch":
      return PATH.test(said as string) ? undefined : "must be a path of printable ASCII, without blanks";
    default:
      return undefined;
  }
}
