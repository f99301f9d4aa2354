/** Longest data id that Nacos takes, characters. */
const MAX_DATA_ID = 256;

/** What tells one provider's metadata report from others; empty text for no version or group. */
export interface NacosReport {
  readonly interfaceName: string;
  readonly version: string;
  readonly group: string;
  readonly application: string;
}

/**
 * The data id of a provider's metadata report, as Dubbo's NacosMetadataReport writes it: `interface:version:group:provider:application`
 * with empty parts kept, `___` for `$` and `-` for `/`. Undefined where Nacos' own clients refuse it: over 256 characters, or with others
 * than letters, digits and `_-.:`.
 */
export function reportDataId({ interfaceName, version, group, application }: NacosReport): string | undefined {
  const parts = [interfaceName, version, group, "provider", application];
  const id = parts.join(":").replaceAll("$", "___").replaceAll("/", "-");
  return id.length <= MAX_DATA_ID && /^[\p{L}\p{Nd}_\-.:]+$/u.test(id) ? id : undefined;
}
