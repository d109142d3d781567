//! A ledger with its console, and people who sit at it with a browser's cookies.

use std::cell::RefCell;
use std::collections::BTreeMap;

use e2e::{Role, Stage};
use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};

pub const PASSWORD: &str = "CANARY correct horse";

pub fn open() -> Stage {
    open_with(&[])
}

pub fn open_with(env: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::new().unwrap();
    stage.start(Role::Ledger, &[&[("ADMIN_PASSWORD", PASSWORD)], env].concat()).unwrap();
    stage.until("the first administrator", || {
        let staff = "SELECT count(*) FROM staff";
        let there: i64 = stage.sql(sqlx::query_scalar(staff).fetch_one(&stage.pool));
        (there == 1).then_some(())
    });
    stage
}

/// Somebody with a browser.
pub struct Seat<'a> {
    pub stage: &'a Stage,
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// Their browser, while the stage is another's.
pub struct Away {
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Away {
    pub fn returns(self, stage: &Stage) -> Seat<'_> {
        Seat { stage, client: self.client, cookies: self.cookies }
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub to: String,
    pub set_cookie: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// A hidden field of a form.
    pub fn hidden(&self, name: &str) -> String {
        let before = format!("name=\"{name}\" value=\"");
        let (_, value) =
            self.text.split_once(&before).unwrap_or_else(|| panic!("no field {name}: {}", self.text));
        value.split('"').next().unwrap().to_owned()
    }
}

impl<'a> Seat<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        Self::with_browser(stage, "test")
    }

    pub fn with_browser(stage: &'a Stage, browser: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).user_agent(browser).build().unwrap();
        Self { stage, client, cookies: RefCell::default() }
    }

    pub fn leaves(self) -> Away {
        Away { client: self.client, cookies: self.cookies }
    }

    pub fn signed_in(stage: &'a Stage, name: &str, password: &str) -> Self {
        let seat = Self::new(stage);
        let answer = seat.signs_in(name, password);
        assert_eq!((answer.status, answer.to.as_str()), (StatusCode::SEE_OTHER, "/"), "{}", answer.text);
        seat
    }

    pub fn signs_in(&self, name: &str, password: &str) -> Answer {
        self.posts("/sign-in", &[("name", name), ("password", password), ("to", "/")])
    }

    pub fn gets(&self, path: &str) -> Answer {
        self.sends(Method::GET, path, &[], &[])
    }

    /// The same as a page shows, as JSON.
    pub fn reads(&self, path: &str) -> serde_json::Value {
        let answer = self.gets(&format!("/api/v1{path}"));
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap()
    }

    /// A file.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let request = self.asks(Method::GET, path, &[], &[]);
        self.stage.rt.block_on(async {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            answer.bytes().await.unwrap().to_vec()
        })
    }

    /// Whether the answer ends before it is whole.
    pub fn breaks_off(&self, path: &str) -> bool {
        let request = self.asks(Method::GET, path, &[], &[]);
        self.stage.rt.block_on(async { request.send().await?.bytes().await }).is_err()
    }

    /// From one of the console's own pages.
    pub fn posts(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.sends(Method::POST, path, form, &[("sec-fetch-site", "same-origin")])
    }

    /// A form with a file of this name, from one of the console's own pages.
    pub fn uploads(&self, path: &str, form: &[(&str, &str)], name: &str, bytes: &[u8]) -> Answer {
        let file = Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str("image/png").unwrap();
        let parts = form
            .iter()
            .fold(Form::new(), |parts, (name, value)| parts.text((*name).to_owned(), (*value).to_owned()));
        let request = self.bare(Method::POST, path).header("sec-fetch-site", "same-origin");
        self.stage.rt.block_on(self.answered(request.multipart(parts.part("file", file)))).unwrap()
    }

    /// Fills in a form of this page as it is now.
    pub fn fills(&self, page: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let once = self.gets(page).hidden("once");
        self.posts(path, &[&[("once", once.as_str())], form].concat())
    }

    fn asks(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> RequestBuilder {
        let mut request = self.bare(method.clone(), path);
        if method == Method::POST {
            request = request.form(form);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    /// With the browser's cookies.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.stage.url(Role::Ledger));
        let cookies = self.cookies.borrow().iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>();
        self.client.request(method, url).header("cookie", cookies.join("; "))
    }

    pub fn sends(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        self.stage.rt.block_on(self.answered(self.asks(method, path, form, headers))).unwrap()
    }

    /// An act in which the ledger dies.
    pub fn dies_at(&self, path: &str, form: &[(&str, &str)]) {
        let request = self.asks(Method::POST, path, form, &[("sec-fetch-site", "same-origin")]);
        let answer = self.stage.rt.block_on(self.answered(request));
        assert!(answer.is_err(), "it lives");
    }

    async fn answered(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = |name| headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let (to, set_cookie) = (text(LOCATION), text(SET_COOKIE));
        if let Some((name, value)) = set_cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(Answer { status, to, set_cookie, headers, text: answer.text().await? })
    }

    /// Gives the password once more.
    pub fn proves(&self, password: &str) {
        let answer = self.posts("/me/prove", &[("password", password)]);
        assert_eq!(answer.to, "/me?done=proven", "{}", answer.text);
    }
}

/// Lets somebody in as the first administrator does.
pub fn hires(stage: &Stage, name: &str, role: &str) {
    let admin = Seat::signed_in(stage, "admin", PASSWORD);
    admin.proves(PASSWORD);
    let form = [("name", name), (role, "on"), ("password", PASSWORD), ("reason", "new here")];
    let answer = admin.fills("/staff", "/staff", &form);
    assert_eq!(answer.to, "/staff?done=staff", "{}", answer.text);
}
