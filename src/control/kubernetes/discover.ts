import { ApiFailure, type KubernetesApi } from "../../kubernetes/api.ts";
import { nameOfResource, readGroups, readResources, type ServedResource } from "./kinds.ts";

/** The kinds of rules that a server has now, by {@link nameOfResource}, each in the best of the versions that it has. */
export async function discover(
  api: Pick<KubernetesApi, "get">,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ServedResource>> {
  const found = new Map<string, ServedResource>();
  for (const [group, versions] of readGroups(await api.get("/apis", signal))) {
    for (const version of versions) {
      for (const one of readResources(group, version, await resourcesOf(api, group, version, signal))) {
        const name = nameOfResource(one);
        if (!found.has(name)) found.set(name, one);
      }
    }
  }
  return found;
}

/** A group may go between the two questions. */
async function resourcesOf(
  api: Pick<KubernetesApi, "get">,
  group: string,
  version: string,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await api.get(`/apis/${group}/${version}`, signal);
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined;
    throw error;
  }
}

/** What a server says of a kind that it does not list: it has no definition of it, has one, or does not let us ask. */
export type Absence = "certain" | "defined" | "unknown";

/** Asks for a kind's definition: lists of kinds lack some while a server starts. `name` is {@link nameOfResource}'s. */
export async function askAbsence(api: Pick<KubernetesApi, "get">, name: string, signal: AbortSignal): Promise<Absence> {
  try {
    await api.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`, signal);
    return "defined";
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return "certain";
    if (error instanceof ApiFailure && error.status === 403) return "unknown";
    throw error;
  }
}
