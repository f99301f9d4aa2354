import type { Endpoint } from "../../model/entry.ts";
import { isLabelKey, isLabelValue } from "./kubernetes-names.ts";
import type { NamingStyle } from "./naming-styles.ts";

/** What goes into an endpoint's labels beside its parameters. */
export type StyleLabels = (endpoint: Endpoint) => Readonly<Record<string, string>>;

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/**
 * The labels that another tool gave an endpoint where they differ from its parameters of the same names, so that subsets written for
 * that tool select what they did. What a tool left out is no loss here and stays a parameter.
 */
export function styleLabels(style: NamingStyle, scheme: string, registryName: string): StyleLabels {
  switch (style) {
    case "dubbo2istio":
      return ({ params }) => dubbo2istioLabels(params, registryName);
    case "slime":
      return ({ params }) => slimeLabels(params, scheme);
    case "nacos-istio":
      return scheme === "nacos" ? ({ params }) => clusterLabel(params) : () => NONE;
    case "trestle":
    case "higress":
      return () => NONE;
    default:
      return style satisfies never;
  }
}

/** Commas become dashes, the workload's version is `version`, and the registry is named (pkg/dubbo/common/conversion.go). */
function dubbo2istioLabels(
  params: Readonly<Record<string, string>>,
  registryName: string,
): Readonly<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(params)) {
    if (value.includes(",")) put(labels, key, value.replaceAll(",", "-"));
  }
  const version = params["aeraki_meta_app_version"] ?? "";
  if (version !== "") put(labels, "version", version);
  put(labels, "registryName", registryName);
  return Object.freeze(labels);
}

/** Commas and colons become `_`; `dubbo.tag` is `dubboTag`, or where it is a list `k=v,k=v` each of it (zookeeper/conversion.go, verifyMeta). */
function slimeLabels(params: Readonly<Record<string, string>>, scheme: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null);
  if (scheme === "nacos" || scheme === "eureka") {
    const id = params["instanceId"];
    if (id?.includes(":")) put(labels, "instanceId", id.replaceAll(":", "_"));
    return Object.freeze(labels);
  }
  for (const [key, value] of Object.entries(params)) {
    if (key === "dubbo.tag") putTag(labels, value);
    else if (key !== "methods" && /[,:]/.test(value)) put(labels, key, value.replace(/[,:]/g, "_"));
  }
  return Object.freeze(labels);
}

function putTag(labels: Record<string, string>, value: string): void {
  const pairs = value.split(",");
  if (pairs.length === 1) put(labels, "dubboTag", value);
  for (const pair of pairs) {
    const parts = pair.split("=");
    if (parts.length === 2) put(labels, parts[0]!, parts[1]!);
  }
}

/** The Nacos cluster, unless metadata has a label of that name (IstioCrdUtil.java). */
function clusterLabel(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const cluster = params["nacos.cluster"] ?? params["cluster"] ?? "";
  return cluster === "" ? NONE : Object.freeze({ cluster });
}

function put(labels: Record<string, string>, key: string, value: string): void {
  if (isLabelKey(key) && isLabelValue(value)) labels[key] = value;
}
