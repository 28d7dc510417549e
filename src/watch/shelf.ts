import { bookKeyText, type BookKey } from '../tables/book-key.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import { nameOf, type Watched } from './message.ts';
import { createAudience, createWatchedBook, type Audience, type WatchedBook } from './watched-book.ts';

/** One stream: whom it belongs to, and what it has not been told yet. */
export type Stream = { readonly audience: Audience; readonly mailbox: Mailbox };

/** The books that are watched: each once, however many streams watch it, and none that nobody watches. */
export type Shelf = {
  /** Adds a stream, with its audience and its book where they are not there yet. */
  enter(key: BookKey, watched: Watched): Stream;
  /** Takes it away, with what nobody watches any more; gives back the book if that is gone. */
  leave(stream: Stream): WatchedBook | undefined;
  byKey(key: BookKey): WatchedBook | undefined;
  /** Finds a book whose id is known: see `found`. */
  byId(id: string): WatchedBook | undefined;
  /** The book has been found in the database. */
  found(book: WatchedBook): void;
  all(): readonly WatchedBook[];
};

export function createShelf(): Shelf {
  const books = new Map<string, WatchedBook>();
  const ids = new Map<string, WatchedBook>();
  return {
    enter(key, watched) {
      const text = bookKeyText(key);
      const book = books.get(text) ?? createWatchedBook(key);
      books.set(text, book);
      const name = nameOf(watched);
      const audience = book.audiences.get(name) ?? createAudience(book, watched);
      book.audiences.set(name, audience);
      const mailbox = createMailbox();
      audience.mailboxes.add(mailbox);
      return { audience, mailbox };
    },
    leave({ audience, mailbox }) {
      const { book, watched, mailboxes } = audience;
      mailboxes.delete(mailbox);
      if (mailboxes.size > 0) return undefined;
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
