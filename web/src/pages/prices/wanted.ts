/** Which prices a page is about. */
export interface Wanted {
  gpu: string[];
  provider: string[];
  region: string[];
  instance_type: string[];
}
