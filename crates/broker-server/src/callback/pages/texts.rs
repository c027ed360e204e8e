//! Every text of every page, in every language. To translate the pages, add a language here.

use super::{Language, Page};

/// The texts of one page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageText {
    /// What happened, in a few words.
    pub(super) title: &'static str,
    /// The same in a sentence.
    pub(super) message: &'static str,
    /// What to do now.
    pub(super) next: &'static str,
}

/// The texts in one language.
#[derive(Debug)]
pub(super) struct Texts {
    /// Before the completion code.
    pub(super) code_label: &'static str,
    received: PageText,
    denied: PageText,
    failed: PageText,
    expired: PageText,
    used: PageText,
    unknown: PageText,
    malformed: PageText,
    wrong_issuer: PageText,
    unavailable: PageText,
}

impl Texts {
    /// The texts of a page.
    pub(super) fn of(&self, page: &Page<'_>) -> PageText {
        match page {
            Page::Received(_) => self.received,
            Page::Denied => self.denied,
            Page::Failed => self.failed,
            Page::Expired => self.expired,
            Page::Used => self.used,
            Page::Unknown => self.unknown,
            Page::Malformed => self.malformed,
            Page::WrongIssuer => self.wrong_issuer,
            Page::Unavailable => self.unavailable,
        }
    }
}

impl Language {
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

static ENGLISH: Texts = Texts {
    code_label: "Your code",
    received: PageText {
        title: "One more step",
        message: "Your consent was received. To finish, enter this code in the application you came from.",
        next: "Give the code to nobody else. Then you can close this window.",
    },
    denied: PageText {
        title: "Access was not granted",
        message: "You chose not to allow access. Nothing was connected.",
        next: "You can close this window. To connect after all, start again in the application.",
    },
    failed: PageText {
        title: "The connection failed",
        message: "The provider reported an error. Nothing was connected.",
        next: "You can close this window. Start again in the application, or ask its support for help.",
    },
    expired: PageText {
        title: "This link has expired",
        message: "For your safety a link to connect is valid for a short time only.",
        next: "You can close this window. Start again in the application to get a new link.",
    },
    used: PageText {
        title: "This link was already used",
        message: "Each link to connect works once. Perhaps this page was opened again or reloaded.",
        next: "You can close this window. If the application shows no connection, start again there.",
    },
    unknown: PageText {
        title: "This link is not known",
        message: "The link is not complete, or it was not made here.",
        next: "You can close this window. Start again in the application to get a new link.",
    },
    malformed: PageText {
        title: "This request cannot be read",
        message: "Something is missing in the provider's answer, or it was changed on the way.",
        next: "You can close this window. Start again in the application.",
    },
    wrong_issuer: PageText {
        title: "This answer was not accepted",
        message: "It does not come from the provider that was asked. For your safety nothing was connected.",
        next: "You can close this window. Start again in the application; if it happens again, tell its support.",
    },
    unavailable: PageText {
        title: "Please try again shortly",
        message: "The service is not available at the moment. Your consent is not lost.",
        next: "Wait a minute, then reload this page.",
    },
};

static GERMAN: Texts = Texts {
    code_label: "Ihr Code",
    received: PageText {
        title: "Noch ein Schritt",
        message: "Ihre Zustimmung ist angekommen. Geben Sie zum Abschluss diesen Code in der Anwendung ein, aus der \
                  Sie kommen.",
        next: "Geben Sie den Code an niemanden sonst weiter. Danach können Sie dieses Fenster schließen.",
    },
    denied: PageText {
        title: "Zugriff nicht erlaubt",
        message: "Sie haben den Zugriff abgelehnt. Es wurde nichts verbunden.",
        next: "Sie können dieses Fenster schließen. Um doch zu verbinden, beginnen Sie in der Anwendung neu.",
    },
    failed: PageText {
        title: "Die Verbindung ist fehlgeschlagen",
        message: "Der Anbieter hat einen Fehler gemeldet. Es wurde nichts verbunden.",
        next: "Sie können dieses Fenster schließen. Beginnen Sie in der Anwendung neu, oder wenden Sie sich an deren \
               Support.",
    },
    expired: PageText {
        title: "Dieser Link ist abgelaufen",
        message: "Zu Ihrer Sicherheit gilt ein Link zum Verbinden nur kurze Zeit.",
        next: "Sie können dieses Fenster schließen. Beginnen Sie in der Anwendung neu, um einen neuen Link zu erhalten.",
    },
    used: PageText {
        title: "Dieser Link wurde schon benutzt",
        message: "Jeder Link zum Verbinden gilt einmal. Vielleicht wurde diese Seite erneut geöffnet oder neu geladen.",
        next: "Sie können dieses Fenster schließen. Zeigt die Anwendung keine Verbindung, beginnen Sie dort neu.",
    },
    unknown: PageText {
        title: "Dieser Link ist nicht bekannt",
        message: "Der Link ist unvollständig, oder er stammt nicht von hier.",
        next: "Sie können dieses Fenster schließen. Beginnen Sie in der Anwendung neu, um einen neuen Link zu erhalten.",
    },
    malformed: PageText {
        title: "Diese Anfrage ist nicht lesbar",
        message: "In der Antwort des Anbieters fehlt etwas, oder sie wurde unterwegs verändert.",
        next: "Sie können dieses Fenster schließen. Beginnen Sie in der Anwendung neu.",
    },
    wrong_issuer: PageText {
        title: "Diese Antwort wurde nicht angenommen",
        message: "Sie kommt nicht von dem Anbieter, der gefragt wurde. Zu Ihrer Sicherheit wurde nichts verbunden.",
        next: "Sie können dieses Fenster schließen. Beginnen Sie in der Anwendung neu; geschieht es wieder, melden Sie \
               es deren Support.",
    },
    unavailable: PageText {
        title: "Bitte gleich noch einmal",
        message: "Der Dienst ist gerade nicht erreichbar. Ihre Zustimmung ist nicht verloren.",
        next: "Warten Sie eine Minute, und laden Sie diese Seite neu.",
    },
};
