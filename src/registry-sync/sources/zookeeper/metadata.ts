/**
 * Where providers' metadata reports are in ZooKeeper; empty parts are left out:
 *
 *     /dubbo/metadata/{interface}/[{version}/][{group}/]provider/{application}    data: ServiceDefinition
 */
import type { ReportPlace } from "../metadata-reports.ts";

/** The reports below `folder`, such as `/dubbo/metadata`, of a registry. A name with a slash has no node of its own. */
export function metadataNodes(folder: string, registry: string): ReportPlace {
  return {
    name: `registry ${registry}`,
    top: folder,
    keyOf({ interfaceName, version, group, application }) {
      const parts = [encodeName(interfaceName), version, group, "provider", application];
      if (parts.some((part) => part.includes("/"))) return undefined;
      return [folder, ...parts.filter((part) => part !== "")].join("/");
    },
    foldersOf(key) {
      const parts = key.slice(folder.length + 1).split("/");
      return parts.slice(1).map((_, index) => `${folder}/${parts.slice(0, index + 1).join("/")}`);
    },
  };
}

/** As Java's URLEncoder writes the name of an interface. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("*", "%2A");
}
