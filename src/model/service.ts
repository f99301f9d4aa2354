/** A Dubbo service as consumers name it. Group and version are `""` where there is none; version `0.0.0` counts as none. */
export interface ServiceKey {
  readonly group: string;
  readonly interface: string;
  readonly version: string;
}

/** Builds a key, folding what Dubbo treats as absent (`null`, version `0.0.0`) to `""`. */
export function serviceKey(interfaceName: string, group?: string | null, version?: string | null): ServiceKey {
  return {
    interface: interfaceName,
    group: group ?? "",
    version: version === undefined || version === null || version === "0.0.0" ? "" : version,
  };
}

/** Prints `group/interface:version`; group with its slash and version with its colon are left out where empty. */
export function printServiceKey(key: ServiceKey): string {
  const group = key.group === "" ? "" : `${key.group}/`;
  const version = key.version === "" ? "" : `:${key.version}`;
  return `${group}${key.interface}${version}`;
}

/** Reads {@link printServiceKey}'s form. Every text has a reading: one without `/` and `:` is a bare interface. */
export function parseServiceKey(text: string): ServiceKey {
  const slash = text.indexOf("/");
  const rest = slash < 0 ? text : text.slice(slash + 1);
  const colon = rest.lastIndexOf(":");
  return serviceKey(
    colon < 0 ? rest : rest.slice(0, colon),
    slash < 0 ? "" : text.slice(0, slash),
    colon < 0 ? "" : rest.slice(colon + 1),
  );
}
