//! One window: what is seen in it, and a mouse, a keyboard and a camera.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Screen, pipe::Pipe};
use crate::stage::PATIENCE;

/// Between two looks at the page.
const LOOK: std::time::Duration = std::time::Duration::from_millis(40);

/// A picture is taken of what moves, too, if it never stops.
const STILL_LOOKS_MAX: usize = 50;

pub struct Page {
    pipe: Arc<Pipe>,
    session: String,
    screen: Screen,
    shots: PathBuf,
}

impl Page {
    pub(super) fn new(pipe: Arc<Pipe>, session: String, screen: Screen, shots: PathBuf) -> Result<Self> {
        let page = Self { pipe, session, screen, shots };
        let (width, height) = screen.size();
        let phone = screen == Screen::Phone;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        page.call("Emulation.setDeviceMetricsOverride", &metrics)?;
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"] {
            page.call(domain, &json!({}))?;
        }
        page.call("Emulation.setTouchEmulationEnabled", &json!({"enabled": phone}))?;
        page.call("Page.setInterceptFileChooserDialog", &json!({"enabled": true}))?;
        page.call("Page.addScriptToEvaluateOnNewDocument", &json!({"source": include_str!("page.js")}))?;
        Ok(page)
    }

    fn call(&self, method: &str, params: &Value) -> Result<Value> {
        self.pipe.call(&self.session, method, params)
    }

    /// The same, where the test can't go on without it.
    fn done(&self, method: &str, params: &Value) -> Value {
        self.call(method, params).unwrap_or_else(|error| panic!("{method} should work: {error:?}"))
    }

    /// `light` or `dark`, as the system has it.
    pub fn prefer(&self, theme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        self.done("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    pub fn go(&self, url: &str) {
        self.done("Page.navigate", &json!({"url": url}));
        self.until("the page", || {
            self.eval("document.readyState === 'complete' && Boolean(globalThis.eyes)") == true
        });
    }

    /// What an expression comes to; a promise is waited for. Null where the page is just being exchanged.
    pub fn eval(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &params).unwrap_or_default();
        answer["result"]["value"].clone()
    }

    /// Waits for a condition; a picture of the page is kept if it never comes.
    pub fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            if Instant::now() >= end {
                let shot = self.shot("never-came");
                let complaints = self.pipe.complaints(&self.session);
                panic!(
                    "waited {PATIENCE:?} for {what}; see {}; the page says {complaints:?}",
                    shot.display()
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    /// How many such elements are seen that hold these words.
    pub fn count(&self, selector: &str, words: &str) -> u64 {
        self.eval(&format!("eyes.count({}, {})", json!(selector), json!(words))).as_u64().unwrap_or_default()
    }

    /// The words of such elements.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        serde_json::from_value(self.eval(&format!("eyes.texts({})", json!(selector)))).unwrap_or_default()
    }

    /// Waits until such an element is seen that holds these words.
    pub fn sees(&self, selector: &str, words: &str) {
        self.until(&format!("{selector} with {words:?}"), || self.count(selector, words) > 0);
    }

    /// Clicks the last such element, once it stands still and nothing lies over it.
    pub fn click(&self, selector: &str, words: &str) {
        let spot = format!("eyes.spot({}, {})", json!(selector), json!(words));
        self.until(&format!("{selector} with {words:?} to be clicked"), || {
            let at = self.eval(&spot);
            if !at.is_object() {
                return false;
            }
            for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
                let event =
                    json!({"type": kind, "x": at["x"], "y": at["y"], "button": "left", "clickCount": 1});
                self.done("Input.dispatchMouseEvent", &event);
            }
            // It may have moved away under the mouse.
            self.eval("eyes.hit()") == true
        });
    }

    /// Clicks the last such element twice, as fast as people do.
    pub fn double_clicks(&self, selector: &str, words: &str) {
        let at = self.spot(selector, words);
        for (kind, count) in
            [("mousePressed", 1), ("mouseReleased", 1), ("mousePressed", 2), ("mouseReleased", 2)]
        {
            let event =
                json!({"type": kind, "x": at["x"], "y": at["y"], "button": "left", "clickCount": count});
            self.done("Input.dispatchMouseEvent", &event);
        }
    }

    /// Where the last such element is, once it stands still and nothing lies over it.
    fn spot(&self, selector: &str, words: &str) -> Value {
        let spot = format!("eyes.spot({}, {})", json!(selector), json!(words));
        let mut at = Value::Null;
        self.until(&format!("{selector} with {words:?} to stand still"), || {
            at = self.eval(&spot);
            at.is_object()
        });
        at
    }

    /// A finger that goes to the left over the last such element.
    pub fn swipes(&self, selector: &str, words: &str) {
        let at = self.spot(selector, words);
        let (x, y) = (at["x"].as_f64().unwrap_or_default(), &at["y"]);
        for (kind, by) in [("touchStart", 0.0), ("touchMove", 30.0), ("touchMove", 90.0)] {
            self.done(
                "Input.dispatchTouchEvent",
                &json!({"type": kind, "touchPoints": [{"x": x - by, "y": y}]}),
            );
        }
        self.done("Input.dispatchTouchEvent", &json!({"type": "touchEnd", "touchPoints": []}));
    }

    /// Types into what has the focus.
    pub fn types(&self, text: &str) {
        self.done("Input.insertText", &json!({"text": text}));
    }

    /// `Enter`, `Escape`, `ArrowDown`, …
    pub fn presses(&self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
                "text": if kind == "keyDown" { text } else { "" }});
            self.done("Input.dispatchKeyEvent", &event);
        }
    }

    /// Presses a button or a link by keyboard, and waits for the page that it leads to. By mouse it would not be known whether
    /// it was hit: the page that knows is gone.
    pub fn turns_by(&self, selector: &str) {
        self.eval(&format!("document.querySelector({}).focus()", json!(selector)));
        self.turns();
    }

    /// Presses Enter, and waits for the page that it leads to.
    pub fn turns(&self) {
        // Gone with this page.
        self.eval("globalThis.old = true");
        self.presses("Enter");
        let turned = "document.readyState === 'complete' && Boolean(globalThis.eyes) && !globalThis.old";
        self.until("another page", || self.eval(turned) == true);
    }

    /// Writes a message, as at a keyboard.
    pub fn writes(&self, text: &str) {
        self.click("#text", "");
        self.types(text);
        self.presses("Enter");
    }

    /// Chooses files in the dialog that the last click has opened.
    pub fn chooses(&self, files: &[PathBuf]) {
        let mut node = None;
        self.until("the dialog for files", || {
            node = self.pipe.chooser(&self.session);
            node.is_some()
        });
        self.done("DOM.setFileInputFiles", &json!({"backendNodeId": node, "files": files}));
    }

    /// What is offered as a file goes into this folder, under the name that it is offered by.
    pub fn downloads(&self, folder: &Path) {
        self.done("Page.setDownloadBehavior", &json!({"behavior": "allow", "downloadPath": folder}));
    }

    /// Nothing sticks out of the window, and nothing has gone wrong in the page.
    pub fn assert_tidy(&self) {
        assert_eq!(self.eval("eyes.overflow() <= 0"), true, "something sticks out at {:?}", self.screen);
        let complaints = self.pipe.complaints(&self.session);
        assert!(complaints.is_empty(), "the page complains: {complaints:#?}");
    }

    /// Nothing makes the page wider than the window.
    pub fn assert_fits(&self, what: &str) {
        let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let mut over = Value::Null;
        // Between two pages there is nothing to measure.
        self.until("a page", || {
            over = self.eval(wide);
            !over.is_null()
        });
        assert_eq!(over, 0, "{what} is wider than the screen");
    }

    /// Something has gone wrong in the page, as it was to: all that it complains of holds these words.
    pub fn assert_complains(&self, words: &str) {
        let complaints = self.pipe.complaints(&self.session);
        let meant = !complaints.is_empty() && complaints.iter().all(|complaint| complaint.contains(words));
        assert!(meant, "the page complains: {complaints:#?}");
    }

    /// A picture of what is seen; its file.
    pub fn shot(&self, name: &str) -> PathBuf {
        let file = self.shots.join(format!("{name}-{}.png", self.screen.size().0));
        for _ in 0..STILL_LOOKS_MAX {
            if self.eval("eyes.still()") == true {
                break;
            }
            std::thread::sleep(LOOK);
        }
        let kept = || -> Result<()> {
            let shot = self.call("Page.captureScreenshot", &json!({"format": "png"}))?;
            let bytes = STANDARD.decode(shot["data"].as_str().context("no picture")?)?;
            Ok(std::fs::write(&file, bytes)?)
        };
        if let Err(error) = kept() {
            println!("no screenshot {}: {error:#}", file.display());
        }
        file
    }
}
