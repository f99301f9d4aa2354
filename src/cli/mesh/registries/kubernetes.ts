import { openKubernetes } from "../../../kubernetes/client.ts";
import { createKubernetesSource } from "../../../registry-sync/sources/kubernetes/source.ts";
import type { OpenSource } from "./source-parts.ts";

/** A Kubernetes cluster; the path of its URL is a kubeconfig file, none for where kubectl and pods look. */
export const openKubernetesRegistry: OpenSource = ({ config, isOwnAddress, onConnected, clock, log }) => {
  const { context, namespace, selector } = config.query;
  const place = {
    ...(config.chroot !== "" && { kubeconfig: config.chroot }),
    ...(context !== undefined && { context }),
  };
  return createKubernetesSource({
    name: config.name,
    openApi: () => openKubernetes(place),
    ...(namespace !== undefined && { namespaces: [...new Set(namespace.split(","))] }),
    ...(selector !== undefined && { selector }),
    ...{ isOwnAddress, onConnected, clock, log },
  });
};
