//! Codecs, prompts, frames and the wanted topology of media.
