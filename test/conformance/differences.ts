import type { Difference } from './compare.js';

/** A difference from dockerd 20.10 that is meant, and why. */
interface Intended {
  readonly request?: RegExp;
  readonly place: RegExp;
  readonly why: string;
}

/**
 * Beside what is below, dockerd 28 takes some values that Berth refuses with 400 or 501, since to take them would tell a lie or open what was to be closed: a HostIp that is no address ("localhost" is
 * published nowhere, or everywhere), a port of a protocol that there is not ("80/x", published nowhere), a UsernsMode that is none (no isolation where some was asked for), device access other than r, w and m, a
 * network mode host or container beside an endpoint of another network (which is left out, or cannot start), and fields that nobody knows. Names have 255 characters at most, as the log's subjects have them.
 * Both of ReadOnlyNonRecursive and ReadOnlyForceRecursive are refused at create, in the words that dockerd has at every start. And a part of a volume that is
 * a file goes over a file of the image's: dockerd, which would copy there too, refuses it at create.
 */
const INTENDED: readonly Intended[] = [
  { request: /^GET \/(version|info)$/, place: /^body\./, why: 'each engine tells of itself' },
  { request: /_ping|^a version with a patch$/, place: /^headers\.swarm$/, why: 'dockerd has this header since 23.0' },
  { request: /^a version (too (old|new)|without a dot)$/, place: /^(body|headers)/, why: 'the versions differ; errors are JSON whatever the version' },
  { request: /^(a version that is none|GET \/nowhere|a method that a route lacks|POST \/containers\/nobody\/attach.*)$/, place: /^headers\.(api-version|docker-experimental|ostype|server)$/, why: 'every answer has the headers that clients negotiate by' },
  { request: /^a version too old$/, place: /^headers\.docker-experimental$/, why: 'every answer has the headers that clients negotiate by' },
  { request: /filters=rubbish|"exited":\["x"\]|"before":\["nobody"\]|body that is no JSON|bad-realtime|repo=Copy|^POST \/networks\/create \{\}|^PUT of an archive into a file$/, place: /^status$/, why: '400 (404 for what is not there), as dockerd 28 answers' },
  { request: /busybox\/tag$/, place: /^(status|headers\.content-type|body)$/, why: 'dockerd 28 says 200, and there is no new name' },
  { request: /h=x|filters=rubbish|"exited":\["x"\]|body that is no JSON|^create (without a body|with text|with a type that is .*)$/, place: /^body\.message$/, why: 'the newer words' },
  { request: /^(create|volume create) without a body$/, place: /^(status|body)/, why: 'as since 23.0: of a volume nothing need be said, of a container 400' },
  { request: /volumes\/create.*DriverOpts/, place: /^body\.message$/, why: 'says that the option is not there yet' },
  { place: /^body\.message$/, request: /"Image":"No such image"|Not%20A%20Name|repo=Copy|with a bad name/, why: 'the newer words, with the name in them' },
  { request: /changes=RUN/, place: /^body\.message$/, why: 'the instruction as it was written, as dockerd 28 tells it' },
  { request: /RestartPolicy/, place: /^body\.message$/, why: 'the words of dockerd 25' },
  { request: /"before":\["nobody"\]|"status":\["sleepy"\]|"health":\["rosy"\]|signal=NOSUCH/, place: /^body\.message$/, why: 'the newer words' },
  { request: /^GET \/images\/nobody\/json$/, place: /^body\.message$/, why: 'the newer words' },
  { request: /^PUT of rubbish$/, place: /^body\.message$/, why: 'the newer words' },
  { request: /^remove of one that (runs|is paused)$/, place: /^body\.message$/, why: 'the words of dockerd 25' },
  { request: /^kill of one that/, place: /^body\.message$/, why: 'a small letter, as since 23.0' },
  { request: /^load/, place: /^body/, why: 'progress is told of layers that are there too; the newer words' },
  { place: /GraphDriver\.Data$/, why: 'paths of the host are nothing for clients' },
  { place: /HostConfig\.Runtime$/, why: 'the default runtime is our own, told by its name: a client that sends it back gets the same' },
  { place: /HostConfig\.MaskedPaths/, why: 'two more, as since 28' },
  { place: /HostConfig\.CgroupnsMode$/, why: 'containers have a cgroup namespace of their own on v1 too' },
  { place: /HostConfig\.RestartPolicy\.Name$/, why: '"no" rather than empty, as since 25' },
  { place: /HostConfig\.NetworkMode$/, why: '"default" is told by its name, as since 26' },
  { place: /NetworkSettings\.(SandboxID|SandboxKey)$/, why: 'a namespace is found by its process' },
  { place: /IPPrefixLen$/, why: 'another subnet' },
  { place: /\.Ports(\.80\/tcp)?$/, why: 'ports are published on IPv4 alone' },
  { place: /IPAM\.Config\[0\]\.Gateway$/, why: 'the gateway is known from the beginning' },
  { request: /^GET \/networks/, place: /IPAM\.Config$/, why: 'null of a network without addresses, as since 28' },
  { request: /logs/, place: /^headers\.content-type$/, why: 'named since 23.0' },
  { request: /^start of an exec that ended$/, place: /^body$/, why: 'the newer words' },
  { request: /^resize of an exec that ended$/, place: /^body\.message$/, why: 'dockerd says either, as soon as it has forgotten the exec' },
  { request: /nobody\/attach|exec\/nobody\/start/, place: /^(status|headers|body)/, why: 'an error before the stream is a plain error answer, as since 23.0' },
  { request: /attach\/ws/, place: /^headers/, why: 'every answer has the headers that clients negotiate by' },
  { request: /volumes\/create (\[\]|\{"Name":5\})|^POST \/networks\/create \{\}/, place: /^body\.message$/, why: 'the newer words' },
  { place: /^body\.Pid$/, request: /^inspect of an exec that ended$/, why: 'a process that is gone has no pid' },
  { place: /^body\.Error$/, request: /wait/, why: 'left out rather than null, as since 23.0' },
  { request: /missing|odd\/start|whose start failed/, place: /^body\.(message|State\.Error)$/, why: 'the words of dockerd 25, and no runc' },
  { request: /clash\/start/, place: /^body\.message$/, why: 'the newer words, without the id of an endpoint that never was' },
  { request: /^GET \/images\/json$/, place: /^body\[\d\]\.RepoTags\[0\]$/, why: 'images made in the same second are in no order' },
  { request: /image (that was committed|with a configuration)$/, place: /^body\.(Container|ContainerConfig\..*|DockerVersion|Parent|Config\.(Hostname|Image))$/, why: 'of the container that was committed nothing but its wishes is kept, as since 25' },
  { request: /^history of an image that was committed$/, place: /^body\[1\]\.(Id|Tags)$/, why: 'of the steps below the newest the layers are known, not whose image ended there' },
  { request: /^(GET \/images\/busybox\/json|inspect of a tag)$/, place: /^body\.Container$/, why: 'of an image that no container was made into, it is left out, as since 28' },
  { place: /RepoDigests$/, why: 'a list rather than null, as since 25' },
  { place: /LastTagTime$/, why: 'not kept: the log tells' },
];

const explains = ({ request, place }: Intended, found: Difference): boolean => (request === undefined || request.test(found.request)) && place.test(found.place);

export function isIntended(found: Difference): boolean {
  return INTENDED.some((one) => explains(one, found));
}

/** Those meant differences that none of `found` is: each has been mended, or was never asked for. */
export function unseen(found: readonly Difference[]): readonly string[] {
  return INTENDED.filter((one) => !found.some((difference) => explains(one, difference))).map(({ request, place, why }) => `${request?.source ?? 'any request'} at ${place.source}: ${why}`);
}
