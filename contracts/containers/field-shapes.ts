import { ValidateBy } from 'class-validator';

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
/** Of 64 bits, that JavaScript has a number for. */
export const LARGEST_INTEGER = 2 ** 63 - 1024;
const isNumber: Check = (value) => Number.isInteger(value) && Math.abs(value as number) <= LARGEST_INTEGER;
const isFlag: Check = (value) => typeof value === 'boolean';
const optional = (check: Check): Check => (value) => value === undefined || value === null || check(value);
const textsByName: Check = (value) => isFields(value) && Object.values(value).every(isText);
/** Fields that are not named are left to others. */
const withFields = (checks: Readonly<Record<string, Check>>): Check => (value) => isFields(value) && Object.entries(checks).every(([name, check]) => check(Object.hasOwn(value, name) ? value[name] : undefined));
const each = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);

const shape = (name: string, wanted: string, check: Check) => (): PropertyDecorator => ValidateBy({ name, validator: { validate: check, defaultMessage: (of) => `${of?.property ?? 'a field'} must be ${wanted}` } });

/** Decorators for what is typed as an interface: a client may send anything, and nothing behind the bus looks again. */
export const AreTextsByName = shape('areTextsByName', 'an object of strings', textsByName);
export const AreMounts = shape(
  'areMounts',
  'a list of mounts',
  each(
    withFields({
      Type: isText, Target: isText, Source: optional(isText), ReadOnly: optional(isFlag),
      BindOptions: optional(withFields({ Propagation: optional(isText), CreateMountpoint: optional(isFlag), NonRecursive: optional(isFlag), ReadOnlyNonRecursive: optional(isFlag), ReadOnlyForceRecursive: optional(isFlag) })),
      VolumeOptions: optional(withFields({ NoCopy: optional(isFlag), Labels: optional(textsByName), Subpath: optional(isText), DriverConfig: optional(withFields({ Name: optional(isText), Options: optional(textsByName) })) })),
      TmpfsOptions: optional(withFields({ SizeBytes: optional(isNumber), Mode: optional(isNumber), Options: optional(each(each(isText))) })),
    }),
  ),
);
export const AreDevices = shape('areDevices', 'a list of PathOnHost, PathInContainer and CgroupPermissions', each(withFields({ PathOnHost: isText, PathInContainer: optional(isText), CgroupPermissions: optional(isText) })));
export const AreDeviceRequests = shape(
  'areDeviceRequests',
  'a list of Driver, Count, DeviceIDs, Capabilities and Options',
  each(withFields({ Driver: optional(isText), Count: optional(isNumber), DeviceIDs: optional(each(isText)), Capabilities: optional(each(each(isText))), Options: optional(textsByName) })),
);
export const AreThrottles = shape('areThrottles', 'a list of Path and Rate', each(withFields({ Path: isText, Rate: isNumber })));
export const AreDeviceWeights = shape('areDeviceWeights', 'a list of Path and Weight', each(withFields({ Path: isText, Weight: isNumber })));
export const ArePortBindings = shape('arePortBindings', 'lists of HostIp and HostPort by port', (value) => isFields(value) && Object.values(value).every(optional(each(withFields({ HostIp: optional(isText), HostPort: optional(isText) })))));
export const AreUlimits = shape('areUlimits', 'a list of Name, Soft and Hard', each(withFields({ Name: isText, Soft: isNumber, Hard: isNumber })));
export const IsRestartPolicy = shape('isRestartPolicy', 'a Name and a MaximumRetryCount', withFields({ Name: optional(isText), MaximumRetryCount: optional(isNumber) }));
export const IsHealthcheck = shape(
  'isHealthcheck',
  'a Test, and whole numbers for its times and Retries',
  withFields({ Test: optional(each(isText)), Interval: optional(isNumber), Timeout: optional(isNumber), StartPeriod: optional(isNumber), StartInterval: optional(isNumber), Retries: optional(isNumber) }),
);
export const IsLogConfig = shape('isLogConfig', 'a Type and strings by name in Config', withFields({ Type: optional(isText), Config: optional(textsByName) }));
