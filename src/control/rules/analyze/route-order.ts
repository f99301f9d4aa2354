import type { QueryParameterMatcher } from "../../../codecs/xds/route.ts";
import type { Entry } from "../../../model/entry.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type { HttpMatch } from "../../../model/rules/http-route.ts";
import type { Report } from "../findings.ts";
import { conditionsOf, type LoweredMatch } from "../lower/lower.ts";
import { EVERY_PATH, type PathMatch } from "../path.ts";

/** What a match asks of a call, and of where it comes in. */
export interface Condition extends LoweredMatch {
  readonly query?: readonly QueryParameterMatcher[];
  /** Further conditions, each as a text of its own. */
  readonly only?: readonly string[];
}

/** How the matches of a rule are read. */
export interface Order {
  /** Undefined where no call can meet a match (undefined: every call). */
  readonly lower: (match: HttpMatch | undefined) => Condition | undefined;
  /** Whether a redirect takes calls: those of HTTP. */
  readonly redirects: boolean;
  /** Whether it is worth saying that calls which match nothing are refused. */
  readonly tellsEnd: boolean;
  /** All calls together; one condition that asks for nothing unless told. */
  readonly all?: readonly Condition[];
}

const EVERY_CALL: Condition = { path: EVERY_PATH, headers: [] };

/** The order of a rule for services with several ports: a match that asks for a port is of its calls alone. */
export function orderByPort(order: Order, services: readonly Pick<Entry, "ports">[]): Order {
  const ports = new Set(services.flatMap(({ ports = [] }) => ports.map(({ port }) => port)));
  if (ports.size < 2) return order;
  const only = (port: number) => [`port ${port}`];
  return {
    ...order,
    lower(match) {
      const port = match?.port ?? 0;
      if (match === undefined || port === 0) return order.lower(match);
      const lowered = ports.has(port) ? order.lower({ ...match, port: 0 }) : undefined;
      return lowered && { ...lowered, only: [...(lowered.only ?? []), ...only(port)] };
    },
    all: [...ports].map((port) => ({ ...EVERY_CALL, only: only(port) })),
  };
}

/** Names routes that no call reaches, since one before takes all of its calls, and an end that leaves some without a route. */
export function checkOrder(
  rule: VirtualService,
  { lower, redirects, tellsEnd, all = [EVERY_CALL] }: Order,
  report: Report,
): void {
  const before: { readonly condition: Condition; readonly place: string }[] = [];
  for (const route of rule.http) {
    if (route.redirect !== undefined && !redirects) continue;
    const matches: readonly (HttpMatch | undefined)[] =
      route.match === undefined || route.match.length === 0 ? [undefined] : route.match;
    for (const match of matches) {
      const condition = lower(match);
      if (condition === undefined) continue;
      const { position } = (match ?? route).at;
      const earlier = before.find((other) => covers(other.condition, condition));
      if (earlier !== undefined)
        report("TR0226", position, `no call reaches this: the route ${earlier.place} takes every call that it matches`);
      const { file, line } = position;
      before.push({ condition, place: line === 0 ? `at ${file}` : `of line ${line}` });
    }
  }
  const isTaken = (calls: Condition) => before.some(({ condition }) => covers(condition, calls));
  if (tellsEnd && before.length > 0 && !all.every(isTaken))
    report(
      "TR0234",
      rule.at.fields.http ?? rule.at.position,
      `calls that match no route of ${rule.name} are answered "no route"; end it with a route without match to let them pass`,
    );
}

/** Whether every call that `b` takes is also one of `a`. May miss some, never says so wrongly. */
function covers(a: Condition, b: Condition): boolean {
  const wanted = textsOf(b);
  return pathCovers(a.path, b.path) && textsOf(a).every((one) => wanted.includes(one));
}

function textsOf(condition: Condition): readonly string[] {
  const { query = [], only = [] } = condition;
  return [...conditionsOf(condition), ...query.map((one) => ({ query: one }))]
    .map((one) => JSON.stringify(one))
    .concat(only);
}

function pathCovers(a: PathMatch, b: PathMatch): boolean {
  if (a.prefix === "/" || JSON.stringify(a) === JSON.stringify(b)) return true;
  if (a.prefix === undefined || a.caseSensitive === false || b.caseSensitive === false) return false;
  return (b.path ?? b.prefix)?.startsWith(a.prefix) === true;
}
