/** Models in words. */
import { NOTHING, money } from '../../shared/formats'
import type { Model } from './queries'

/** USD for a million tokens, which is how prices are published and written in files. */
export const priceWords = (price: string | null | undefined): string => (price == null ? NOTHING : money(price))

export type Capability = keyof Model['capabilities']

export const CAPABILITIES: Record<Capability, string> = {
  chat: 'chat',
  embeddings: 'embeddings',
  vision: 'vision',
  functionCalling: 'tools',
  json: 'JSON',
  thinking: 'thinking',
  audio: 'audio',
}

export const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as Capability[]

/** What a model is declared to be able to do. */
export const abilities = (capabilities: Model['capabilities']): string[] =>
  CAPABILITY_NAMES.filter((name) => capabilities[name]).map((name) => CAPABILITIES[name])
