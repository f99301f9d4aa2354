import { expect, test } from "vitest";
import { decodeResource, encodeResource } from "../../../../src/codecs/xds/resource-bytes.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE } from "../../../../src/codecs/xds/resources.ts";
import {
  type CommonTlsContext,
  DOWNSTREAM_TLS_TYPE,
  ISTIO_TLS_MODE,
  PLAIN_SOCKET,
  SOCKET_MATCH_METADATA,
  TLS_SOCKET,
  UPSTREAM_TLS_TYPE,
} from "../../../../src/codecs/xds/tls.ts";

const COMMON: CommonTlsContext = {
  tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3" },
  tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: { ads: {}, resourceApiVersion: "V3" } }],
  combinedValidationContext: {
    defaultValidationContext: {
      matchTypedSubjectAltNames: [{ sanType: "URI", matcher: { exact: "spiffe://cluster.local/ns/a/sa/b" } }],
    },
    validationContextSdsSecretConfig: { name: "ROOTCA" },
  },
  alpnProtocols: ["istio"],
};

test.each([
  [
    "a cluster's transport sockets",
    CLUSTER_TYPE,
    {
      name: "outbound|20880||orders",
      type: "EDS",
      lbPolicy: "RANDOM",
      transportSocket: { name: PLAIN_SOCKET },
      transportSocketMatches: [
        {
          name: "tlsMode-istio",
          match: { tlsMode: ISTIO_TLS_MODE },
          transportSocket: {
            name: TLS_SOCKET,
            typedConfig: { "@type": UPSTREAM_TLS_TYPE, commonTlsContext: COMMON, sni: "outbound_.20880_._.orders" },
          },
        },
      ],
    },
  ],
  [
    "a listener's transport socket",
    LISTENER_TYPE,
    {
      name: "inbound",
      filterChains: [
        {
          transportSocket: {
            name: TLS_SOCKET,
            typedConfig: {
              "@type": DOWNSTREAM_TLS_TYPE,
              commonTlsContext: {
                tlsCertificates: [{ certificateChain: { filename: "/c" }, privateKey: { inlineString: "k" } }],
                validationContext: { trustedCa: { filename: "/r" }, trustChainVerification: "ACCEPT_UNTRUSTED" },
              },
              requireClientCertificate: true,
            },
          },
        },
      ],
    },
  ],
  [
    "an endpoint's TLS mode",
    ENDPOINT_TYPE,
    {
      clusterName: "orders",
      endpoints: [
        { lbEndpoints: [{ metadata: { filterMetadata: { [SOCKET_MATCH_METADATA]: { tlsMode: ISTIO_TLS_MODE } } } }] },
      ],
    },
  ],
])("%s is as Envoy's protos have it", (_name, type, resource) => {
  expect(decodeResource(type, encodeResource(type, resource))).toEqual(resource);
});
