import type { Schemas } from '@/api/client';
import { microWritten } from '@/lib/money';

/** What the form for a machine holds: text as it was typed. */
export interface HostDraft {
  name: string;
  address: string;
  port: number;
  user: string;
  keyFile: string;
  usesAgent: boolean;
  price: string;
  hasJump: boolean;
  jumpAddress: string;
  jumpPort: number;
  jumpUser: string;
  region: string;
  network: string;
  privateAddress: string;
  ignoresOthers: boolean;
}

export const EMPTY: HostDraft = {
  name: '',
  address: '',
  port: 22,
  user: '',
  keyFile: '',
  usesAgent: false,
  price: '',
  hasJump: false,
  jumpAddress: '',
  jumpPort: 22,
  jumpUser: '',
  region: 'own',
  network: 'own',
  privateAddress: '',
  ignoresOthers: false,
};

function jumpOf(draft: HostDraft, key: string): Schemas['JumpSpec'] | null {
  if (!draft.hasJump) return null;
  return {
    address: draft.jumpAddress.trim(),
    port: draft.jumpPort,
    user: draft.jumpUser.trim(),
    host_key: key,
  };
}

/** The question for the key that answers there; `jumpKey` is the one that the machine in between was found to have. */
export function probeOf(draft: HostDraft, jumpKey: string): Schemas['HostProbe'] {
  return {
    address: draft.address.trim(),
    port: draft.port,
    jump: jumpOf(draft, jumpKey),
    // It is logged in to the machine in between only; a machine that is reached at once is just looked at.
    key_file: draft.hasJump ? draft.keyFile.trim() || null : null,
    uses_agent: draft.hasJump && draft.usesAgent,
  };
}

export function specOf(draft: HostDraft, hostKey: string, jumpKey: string): Schemas['HostSpec'] {
  return {
    name: draft.name.trim(),
    address: draft.address.trim(),
    port: draft.port,
    user: draft.user.trim(),
    host_key: hostKey,
    key_file: draft.keyFile.trim() || null,
    uses_agent: draft.usesAgent,
    jump: jumpOf(draft, jumpKey),
    micro_per_hour: microWritten(draft.price),
    region: draft.region.trim() || EMPTY.region,
    network: draft.network.trim() || EMPTY.network,
    private_address: draft.privateAddress.trim() || null,
    ignores_others: draft.ignoresOthers,
  };
}
