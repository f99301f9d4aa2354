/** What Istio's conditions on words of Envoy's own filters begin with. */
const PREFIX = "experimental.envoy.filters.";

/** Filters of protocols that are neither Dubbo nor HTTP: no call that policies are asked about has been through one. */
const OTHER_PROTOCOLS =
  /^network\.(?:mysql_proxy|mongo_proxy|postgres_proxy|redis_proxy|zookeeper_proxy|kafka_broker|kafka_mesh|thrift_proxy|rocketmq_proxy)(?:\[|$)/;

/** Whether a condition is on what only an Envoy's filters say of a call, such as `experimental.envoy.filters.http.lua[who]`. */
export function isFilterKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** Whether it is on what a filter says of a protocol that no call of the mesh speaks: no value is ever met, as at an Envoy. */
export function isOtherProtocol(key: string): boolean {
  return isFilterKey(key) && OTHER_PROTOCOLS.test(key.slice(PREFIX.length));
}

/**
 * Whether a value of such a condition is met, or of its `notValues` where it is negated. What another filter would have said is not known here: that
 * counts as the worst, so that ALLOW does not match, and all else goes by the rest of its rule.
 */
export function meetsFilterValue(key: string, isAllow: boolean, negated: boolean): boolean {
  return !isOtherProtocol(key) && isAllow === negated;
}
