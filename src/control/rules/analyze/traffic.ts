import type { Position } from "../../../base/errors.ts";
import type { Entry } from "../../../model/entry.ts";
import type {
  ConsistentHash,
  DestinationRule,
  LocalityLb,
  OutlierDetection,
  PortPolicy,
  TrafficPolicy,
} from "../../../model/rules/destination-rule.ts";
import { isCarried, usualPort } from "../../compile/endpoints.ts";
import { isLocalityLabel, localityOf } from "../../compile/localities.ts";
import type { Bindings } from "../bindings.ts";
import type { Report } from "../findings.ts";
import { isHttpService } from "../http-service.ts";

/** Names settings of DestinationRules that have no effect for what else is said, or for the services that are known. */
export function analyzeTraffic({ destinationRules, servicesOf }: Bindings, report: Report): void {
  for (const rule of destinationRules) {
    const services = servicesOf(rule);
    for (const [path, policy] of policiesOf(rule)) checkPolicy(path, policy, rule, services, report);
  }
}

/** Every policy of a rule with what it is called in a finding. */
function policiesOf(rule: DestinationRule): readonly (readonly [string, TrafficPolicy])[] {
  const named: (readonly [string, TrafficPolicy | undefined])[] = [
    [rule.name, rule.trafficPolicy],
    ...rule.subsets.map((subset) => [`subset ${subset.name} of ${rule.name}`, subset.trafficPolicy] as const),
  ];
  return named.filter((pair): pair is readonly [string, TrafficPolicy] => pair[1] !== undefined);
}

function checkPolicy(
  path: string,
  policy: TrafficPolicy,
  rule: DestinationRule,
  services: readonly Entry[],
  report: Report,
): void {
  const hash = policy === rule.trafficPolicy ? policy.loadBalancer?.consistentHash : undefined;
  if (rule.balancer !== undefined && hash !== undefined)
    say(
      hash.at.position,
      `annotation trestle.io/load-balancer of ${path} does not count beside consistentHash`,
      report,
    );
  checkPort(path, policy, services, report, policy === rule.trafficPolicy && rule.balancer !== undefined);
  for (const one of policy.portLevelSettings ?? []) {
    const { number } = one.port;
    if (policy.portLevelSettings?.find(({ port }) => port.number === number) !== one)
      say(one.port.at.position, `port ${number} of ${path} is set twice; the first holds`, report);
    checkPort(`port ${number} of ${path}`, one, services, report);
    if (services.length > 0 && !services.some((entry) => usualPort(entry) === number)) {
      const known = [...new Set(services.map(usualPort))].slice(0, 5).join(", ");
      say(one.port.at.position, `port ${number} of ${path} is none by which its services are known: ${known}`, report);
    }
  }
  if (policy.retryBudget !== undefined && (policy.connectionPool?.http?.maxRetries ?? 0) > 0)
    say(policy.retryBudget.at.position, `maxRetries of ${path} does not count beside its retryBudget`, report);
}

/** `isOwn`: calls are spread by Trestle's own balancer in place of the policy's. */
function checkPort(path: string, policy: PortPolicy, services: readonly Entry[], report: Report, isOwn = false): void {
  const { loadBalancer, outlierDetection, tls } = policy;
  const {
    simple,
    consistentHash: hash,
    warmup,
    localityLbSetting: setting,
    zoneAwareLbSetting: zones,
  } = loadBalancer ?? {};
  const isFixed = !isOwn && (simple === "RANDOM" || simple === "PASSTHROUGH");
  if (warmup !== undefined && (hash !== undefined || isFixed))
    say(
      warmup.at.position,
      `warmup of ${path} needs ROUND_ROBIN or LEAST_REQUEST: endpoints take their full share at once`,
      report,
    );
  if (outlierDetection !== undefined) checkEjected(path, outlierDetection, services, report);
  if (setting !== undefined) checkLocalities(path, setting, outlierDetection !== undefined, services, report);
  if (zones?.enabled === true) checkKnown(`zoneAwareLbSetting of ${path}`, zones.at.position, services, report);
  else if (zones !== undefined && zones.enabled === undefined)
    say(zones.at.position, `zoneAwareLbSetting of ${path} does nothing without enabled: true`, report);
  if (hash !== undefined) checkHashed(path, hash, services, report);
  if (tls?.insecureSkipVerify === true)
    report(
      "TR0248",
      tls.at.fields.insecureSkipVerify ?? tls.at.position,
      `tls of ${path} takes any certificate: whoever answers at a provider's address is believed`,
    );
}

/** A share of providers that is less than one: Envoy's default is a tenth, and 0 is that default, too. */
function checkEjected(path: string, outlier: OutlierDetection, services: readonly Entry[], report: Report): void {
  const percent = outlier.maxEjectionPercent || DEFAULT_EJECTED_PERCENT;
  const most = services.reduce((count, { endpoints }) => Math.max(count, endpoints.length), 0);
  if (most === 0 || most * percent >= 100) return;
  say(
    outlier.at.fields.maxEjectionPercent ?? outlier.at.position,
    `outlierDetection of ${path} ejects nobody: maxEjectionPercent ${percent}${outlier.maxEjectionPercent ? "" : ", the default,"} of ${most} endpoint${most === 1 ? "" : "s"} is less than one; say ${Math.ceil(100 / most)} or more`,
    report,
  );
}

const DEFAULT_EJECTED_PERCENT = 10;

/** Cookies come by HTTP/2, too: with calls of Triple and gRPC. */
const WITH_COOKIES: readonly string[] = ["http", "tri"];

function checkHashed(path: string, { at, ...hash }: ConsistentHash, services: readonly Entry[], report: Report): void {
  if (services.length === 0) return;
  const hasCookies = (entry: Entry) => isCarried(entry, WITH_COOKIES);
  const [field, why] =
    hash.httpCookie !== undefined && !services.some(hasCookies)
      ? ["httpCookie", "callers of Dubbo2 have no cookies, but for an attachment cookie"]
      : hash.httpQueryParameterName !== undefined && !services.some(isHttpService)
        ? ["httpQueryParameterName", "a Dubbo call has no query"]
        : [];
  if (field === undefined) return;
  const cure = "its calls are spread at random; hash an attachment or dubbo-arg-0 by httpHeaderName";
  say(at.fields[field] ?? at.position, `${field} of ${path}: ${why}, so ${cure}`, report);
}

function checkLocalities(
  path: string,
  { at, enabled, distribute = [], failoverPriority = [] }: LocalityLb,
  ejects: boolean,
  services: readonly Entry[],
  report: Report,
): void {
  if (enabled === false) return;
  if (distribute.length === 0 && !ejects)
    say(
      at.position,
      `localityLbSetting of ${path} needs outlierDetection: without it calls would never go to endpoints farther off, so all are near`,
      report,
    );
  const isByPlace =
    failoverPriority.length === 0 || failoverPriority.some((text) => isLocalityLabel(text.split("=", 1)[0]!));
  if (isByPlace) checkKnown(`localityLbSetting of ${path}`, at.position, services, report);
}

function checkKnown(what: string, position: Position, services: readonly Entry[], report: Report): void {
  const endpoints = services.flatMap((entry) => entry.endpoints);
  if (endpoints.length === 0 || endpoints.some((one) => localityOf(one) !== undefined)) return;
  say(
    position,
    `${what} has no effect: none of ${endpoints.length} endpoints says where it is, by region or zone`,
    report,
  );
}

function say(position: Position, message: string, report: Report): void {
  report("TR0247", position, message);
}
