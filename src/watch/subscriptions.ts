import { bookKeyText, type BookKey } from '../tables/book-key.ts';
import { createConflatingBuffer, type ConflatingBuffer } from './conflating-buffer.ts';
import { nameOf, type Watched } from './message.ts';
import { createAudience, createWatchedBook, type Audience, type WatchedBook } from './watched-book.ts';

/** One stream: whom it belongs to, and what it has not been told yet. */
export type Subscription = { readonly audience: Audience; readonly buffer: ConflatingBuffer };

/** The books that are watched: each once, however many streams watch it, and none that nobody watches. */
export type Subscriptions = {
  /** Adds a stream, with its audience and its book where they are not there yet. */
  enter(key: BookKey, watched: Watched): Subscription;
  /** Takes it away, with what nobody watches any more; gives back the book if that is gone. */
  leave(subscription: Subscription): WatchedBook | undefined;
  byKey(key: BookKey): WatchedBook | undefined;
  /** Finds a book whose id is known: see `found`. */
  byId(id: number): WatchedBook | undefined;
  /** The book has been found in the database. */
  found(book: WatchedBook): void;
  all(): readonly WatchedBook[];
};

export function createSubscriptions(): Subscriptions {
  const books = new Map<string, WatchedBook>();
  const ids = new Map<number, WatchedBook>();
  return {
    enter(key, watched) {
      const text = bookKeyText(key);
      const book = books.get(text) ?? createWatchedBook(key);
      books.set(text, book);
      const name = nameOf(watched);
      const audience = book.audiences.get(name) ?? createAudience(book, watched);
      book.audiences.set(name, audience);
      const buffer = createConflatingBuffer();
      audience.buffers.add(buffer);
      return { audience, buffer };
    },
    leave({ audience, buffer }) {
      const { book, watched, buffers } = audience;
      buffers.delete(buffer);
      if (buffers.size > 0) return undefined;
      book.audiences.delete(nameOf(watched));
      if (book.audiences.size > 0) return undefined;
      books.delete(bookKeyText(book.key));
      if (book.id !== null) ids.delete(book.id);
      return book;
    },
    byKey: (key) => books.get(bookKeyText(key)),
    byId: (id) => ids.get(id),
    found(book) {
      if (book.id !== null && book.audiences.size > 0) ids.set(book.id, book);
    },
    all: () => [...books.values()],
  };
}
