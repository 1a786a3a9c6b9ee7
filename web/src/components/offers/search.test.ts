import { describe, expect, it } from 'vitest';
import { FILTERS, readSearch, searchChanges, searchText, toggled } from './search';

describe('a search in the address', () => {
  it('is read back as it was written', () => {
    const search = {
      gpu: ['H100:8', 'A100'],
      market: ['spot' as const],
      max_price: '20',
      min_memory: 80,
      launchable: true,
      hours: 12.5,
      sort: 'work' as const,
    };
    expect(readSearch(new URLSearchParams(searchText(search)))).toEqual(search);
  });

  it('leaves out what cannot be read', () => {
    expect(readSearch(new URLSearchParams('min_memory=lots&gpu=&count=8'))).toEqual({ count: 8 });
  });

  it('keeps to its prefix', () => {
    expect(readSearch(new URLSearchParams('gpu=T4&o.gpu=L4'), 'o.')).toEqual({ gpu: ['L4'] });
    expect(searchChanges({ gpu: ['L4'] }, 'o.')['o.gpu']).toEqual(['L4']);
  });

  it('clears what another search had', () => {
    const changes = searchChanges({ gpu: ['L4'] });
    expect(changes.provider).toBeNull();
    expect(Object.keys(changes)).toContain('availability');
  });
});

describe('filters', () => {
  it('are not what says how much work or in which order', () => {
    expect(FILTERS).not.toContain('hours');
    expect(FILTERS).toContain('max_price');
  });

  it('can be toggled', () => {
    expect(toggled(['a'], 'b')).toEqual(['a', 'b']);
    expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
  });
});
