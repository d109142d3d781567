//! Gemini, judged by Google's official Python SDK and by its protobufs.

use super::{Judge, Vendor, python::Kit};

pub(super) const VENDOR: Vendor = Vendor {
    judge: Judge::Python {
        kit: Kit {
            folder: "python-gemini",
            packages: &["google-genai==3.4.0", "google-ai-generativelanguage==0.12.1"],
            imports: "google.genai, google.ai.generativelanguage_v1beta",
        },
        script: "xtask/src/conformance/gemini_sdk.py",
    },
    adapter: "generator",
    whole: &["whole_way", "generator"],
    must: "generateContent",
    must_quick: "generateContent",
    about: || Ok(Vec::new()),
};
