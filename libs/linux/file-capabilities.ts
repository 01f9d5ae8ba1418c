const [MAGIC_BYTES, PERMISSIONS_BYTES] = [4, 16];
const REVISION_3 = 0x03_000000;
/** VFS_CAP_FLAGS_EFFECTIVE and what may come beside it. */
const FLAGS = 0x00_ffffff;

/**
 * The attribute `security.capability` of a file (capabilities(7), "File capability extended attribute versioning") as it is for the user namespace whose root is `rootUid` outside: of
 * revision 3, with that root. A value of another length than the revisions 2 and 3 have is returned as it is.
 */
export function capabilitiesOf(value: Buffer, rootUid: number): Buffer {
  if (value.length !== MAGIC_BYTES + PERMISSIONS_BYTES && value.length !== MAGIC_BYTES + PERMISSIONS_BYTES + 4) return value;
  const own = Buffer.alloc(MAGIC_BYTES + PERMISSIONS_BYTES + 4);
  value.copy(own, 0, 0, MAGIC_BYTES + PERMISSIONS_BYTES);
  own.writeUInt32LE(REVISION_3 | (value.readUInt32LE(0) & FLAGS), 0);
  own.writeUInt32LE(rootUid, MAGIC_BYTES + PERMISSIONS_BYTES);
  return own;
}
