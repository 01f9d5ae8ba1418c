/** Of either version. */
export const isIpAddress = (text: string): boolean => (text.includes(':') ? URL.canParse(`http://[${text}]/`) : /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((byte) => Number(byte) <= 255));
