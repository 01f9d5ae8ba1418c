/** The stream that holds the log; its name is part of the JetStream API's subjects. */
const STREAM = 'BERTH';

export type BusUser = 'gateway' | 'images' | 'containers' | 'networks' | 'volumes' | 'executor' | 'operator';

interface Rights {
  /** Aggregates whose events this user alone appends. */
  readonly writes: readonly string[];
  /** "service": all that it takes; "service.request": that alone. */
  readonly commands: readonly string[];
  readonly queries: readonly string[];
}

/**
 * Who may do what on the bus. The rest is refused by nats-server itself. The executor acts as root, so each may ask it for what it needs and no more. Whoever asks a service may ask
 * for how long it has been up, and for the rest of a long reply.
 */
const RIGHTS: Readonly<Record<Exclude<BusUser, 'operator'>, Rights>> = {
  gateway: {
    writes: ['access', 'prune'],
    commands: ['containers', 'images', 'volumes'],
    queries: ['containers', 'images', 'networks', 'volumes', 'executor.host-facts', 'executor.usage', 'executor.measure-files'],
  },
  containers: {
    writes: ['container', 'name', 'exec'],
    commands: ['images', 'networks', 'volumes', 'executor'],
    queries: ['images', 'networks', 'volumes', 'executor'],
  },
  images: {
    writes: ['image'],
    commands: ['executor.unpack-layer', 'executor.remove-layer', 'executor.keep-layers'],
    queries: ['containers.list', 'executor.open-layer'],
  },
  networks: { writes: ['network', 'pool'], commands: ['executor.ensure-bridge'], queries: [] },
  volumes: {
    writes: ['volume'],
    commands: ['executor.ensure-volume', 'executor.remove-volume', 'executor.restore-volume'],
    queries: ['executor.volume-directories'],
  },
  executor: { writes: ['task'], commands: [], queries: [] },
};

export const BUS_USERS: readonly BusUser[] = ['gateway', 'images', 'containers', 'networks', 'volumes', 'executor', 'operator'];

/** As nats-server's `permissions` block wants it. */
export interface BusPermissions {
  readonly publish: { readonly allow: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
  /** A reply goes where the asker said, once: no one may write into inboxes unasked. That it is an inbox is for who answers to see (requests-alone.ts). Long, since `wait` may take as long as a container runs. */
  readonly allow_responses: { readonly max: 1; readonly expires: '8760h' };
}

/** The least a bus user needs: own events, the services it asks, reading the log, and an inbox that nobody else can listen to. The operator, at a shell, reads alone. */
export function permissionsOf(user: BusUser): BusPermissions {
  const responses = { max: 1, expires: '8760h' } as const;
  if (user === 'operator') return { publish: { allow: ['berth.query.>', ...LOG_READING] }, subscribe: { allow: [inbox(user)] }, allow_responses: responses };
  const rights = RIGHTS[user];
  return {
    publish: {
      allow: [
        ...rights.writes.map((aggregate) => `berth.event.${aggregate}.>`),
        ...rights.commands.map((asked) => `berth.command.${subjectOf(asked)}`),
        ...rights.queries.map((asked) => `berth.query.${subjectOf(asked)}`),
        ...servicesAsked(rights).flatMap((service) => [`berth.query.${service}.uptime`, `berth.query.${service}.rest`]),
        // Whoever comes first on a new machine founds the log. This changes no stream that is there: that would be STREAM.UPDATE.
        `$JS.API.STREAM.CREATE.${STREAM}`,
        ...LOG_READING,
      ],
    },
    subscribe: { allow: [inbox(user), `berth.command.${user}.>`, `berth.query.${user}.>`] },
    allow_responses: responses,
  };
}

/** Of which not all queries are allowed. */
const servicesAsked = ({ commands, queries }: Rights): string[] => [...new Set([...commands, ...queries].map((asked) => asked.split('.')[0] ?? ''))].filter((service) => !queries.includes(service));
const subjectOf = (asked: string): string => (asked.includes('.') ? asked : `${asked}.>`);
const inbox = (user: BusUser): string => `_INBOX_${user}.>`;

/**
 * Reading the log, and consumers to follow it by. Nothing here changes, purges or deletes a message. A consumer is deleted by its name, which is random
 * and which nobody can have listed. It may be made to deliver to another's subject, and all that is asked here may be answered there: whoever listens knows those from requests by
 * isRequest (requests-alone.ts), and no inbox has a subject that anybody could name. An answer in an aggregate's subject is a message without events.
 */
const LOG_READING: readonly string[] = [
  '$JS.API.INFO',
  `$JS.API.STREAM.INFO.${STREAM}`,
  `$JS.API.STREAM.MSG.GET.${STREAM}`,
  `$JS.API.CONSUMER.CREATE.${STREAM}.>`,
  `$JS.API.CONSUMER.INFO.${STREAM}.>`,
  `$JS.API.CONSUMER.DELETE.${STREAM}.>`,
  `$JS.FC.${STREAM}.>`,
  // Nobody acknowledges. But each commit comes with a reply subject, and of those that a client may not publish to the server keeps every one, for the year that an answer may take.
  `$JS.ACK.${STREAM}.>`,
];
