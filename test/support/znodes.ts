import zookeeper from "node-zookeeper-client";

/** What a client of a registry sees, through npm's unmodified node-zookeeper-client. */
export interface Znodes {
  /** Children's names, sorted; none when the node is not there. */
  children(path: string): Promise<string[]>;
  /** The node's bytes as text, or undefined when it is not there. */
  text(path: string): Promise<string | undefined>;
  /** Makes the node and its parents. */
  make(path: string): Promise<void>;
  /** Sets the text of a node that is there. */
  write(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
  close(): void;
}

/** Connects to `address` (zookeeper://host:port); throws when no session is made within 10 s. */
export async function openZnodes(address: string): Promise<Znodes> {
  const client = zookeeper.createClient(address.replace("zookeeper://", ""), { sessionTimeout: 8_000, retries: 1 });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no session at ${address} within 10 s`)), 10_000);
    client.once("connected", () => {
      clearTimeout(timer);
      resolve();
    });
    client.connect();
  });
  return {
    children: (path) =>
      new Promise((resolve, reject) => {
        client.getChildren(path, (error, names) => {
          if (error === null) resolve([...names].sort());
          else if (error.name === "NO_NODE") resolve([]);
          else reject(error);
        });
      }),
    text: (path) =>
      new Promise((resolve, reject) => {
        client.getData(path, (error, bytes) => {
          if (error === null) resolve(bytes?.toString() ?? "");
          else if (error.name === "NO_NODE") resolve(undefined);
          else reject(error);
        });
      }),
    make: (path) =>
      new Promise((resolve, reject) => {
        client.mkdirp(path, (error) => (error === null ? resolve() : reject(error)));
      }),
    write: (path, text) =>
      new Promise((resolve, reject) => {
        client.setData(path, Buffer.from(text), (error) => (error === null ? resolve() : reject(error)));
      }),
    remove: (path) =>
      new Promise((resolve, reject) => {
        client.remove(path, (error) => (error === null ? resolve() : reject(error)));
      }),
    close: () => client.close(),
  };
}
