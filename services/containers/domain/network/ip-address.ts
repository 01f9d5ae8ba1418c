/** Go reads no number with a zero before it, which for some is octal. */
export const isIpv4Address = (text: string): boolean => /^((0|[1-9]\d{0,2})(\.(?!$)|$)){4}$/.test(text) && text.split('.').every((byte) => Number(byte) <= 255);
const isIpv6Address = (text: string): boolean => text.includes(':') && URL.canParse(`http://[${text}]/`);

/** Of either version. */
export const isIpAddress = (text: string): boolean => isIpv4Address(text) || isIpv6Address(text);
