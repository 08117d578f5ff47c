package redhat

import (
	"errors"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed/fix"
)

const sample = `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"category":"vendor","name":"Red Hat Product Security"},"title":"openssh: regreSSHion",
"tracking":{"id":"CVE-2024-6387","current_release_date":"2025-03-04T00:00:00+00:00"}},
"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[
 {"category":"product_family","name":"Red Hat Enterprise Linux","branches":[
  {"category":"product_name","name":"RHEL 9","product":{"name":"RHEL 9","product_id":"BaseOS-9.4.0.Z.MAIN.EUS","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9::baseos"}}},
  {"category":"product_name","name":"RHEL 9.2","product":{"name":"RHEL 9.2","product_id":"BaseOS-9.2.0.Z.EUS","product_identification_helper":{"cpe":"cpe:/o:redhat:rhel_eus:9.2::baseos"}}},
  {"category":"product_name","name":"RHEL 8","product":{"name":"RHEL 8","product_id":"red_hat_enterprise_linux_8","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8"}}},
  {"category":"product_name","name":"Ceph","product":{"name":"Ceph","product_id":"ceph","product_identification_helper":{"cpe":"cpe:/a:redhat:ceph_storage:5"}}}]},
 {"category":"architecture","name":"src","branches":[
  {"category":"product_version","name":"a","product":{"name":"a","product_id":"openssh-0:8.7p1-38.el9_4.1.src","product_identification_helper":{"purl":"pkg:rpm/redhat/openssh@8.7p1-38.el9_4.1?arch=src"}}},
  {"category":"product_version","name":"b","product":{"name":"b","product_id":"openssh-0:8.7p1-30.el9_2.4.src","product_identification_helper":{"purl":"pkg:rpm/redhat/openssh@8.7p1-30.el9_2.4?arch=src"}}},
  {"category":"product_version","name":"c","product":{"name":"c","product_id":"openssh-0:8.7p1-38.el9_4.1.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/openssh@8.7p1-38.el9_4.1?arch=x86_64"}}},
  {"category":"product_version","name":"openssh","product":{"name":"openssh","product_id":"openssh","product_identification_helper":{"purl":"pkg:rpm/redhat/openssh"}}}]}]}],
 "relationships":[
  {"category":"default_component_of","full_product_name":{"name":"x","product_id":"BaseOS-9.4.0.Z.MAIN.EUS:openssh-0:8.7p1-38.el9_4.1.src"},"product_reference":"openssh-0:8.7p1-38.el9_4.1.src","relates_to_product_reference":"BaseOS-9.4.0.Z.MAIN.EUS"},
  {"category":"default_component_of","full_product_name":{"name":"x","product_id":"BaseOS-9.4.0.Z.MAIN.EUS:openssh-0:8.7p1-38.el9_4.1.x86_64"},"product_reference":"openssh-0:8.7p1-38.el9_4.1.x86_64","relates_to_product_reference":"BaseOS-9.4.0.Z.MAIN.EUS"},
  {"category":"default_component_of","full_product_name":{"name":"x","product_id":"BaseOS-9.2.0.Z.EUS:openssh-0:8.7p1-30.el9_2.4.src"},"product_reference":"openssh-0:8.7p1-30.el9_2.4.src","relates_to_product_reference":"BaseOS-9.2.0.Z.EUS"},
  {"category":"default_component_of","full_product_name":{"name":"x","product_id":"red_hat_enterprise_linux_8:openssh"},"product_reference":"openssh","relates_to_product_reference":"red_hat_enterprise_linux_8"},
  {"category":"default_component_of","full_product_name":{"name":"x","product_id":"ceph:openssh"},"product_reference":"openssh","relates_to_product_reference":"ceph"}]},
"vulnerabilities":[{"cve":"CVE-2024-6387","product_status":{
 "fixed":["BaseOS-9.4.0.Z.MAIN.EUS:openssh-0:8.7p1-38.el9_4.1.src","BaseOS-9.4.0.Z.MAIN.EUS:openssh-0:8.7p1-38.el9_4.1.x86_64","BaseOS-9.2.0.Z.EUS:openssh-0:8.7p1-30.el9_2.4.src"],
 "known_affected":["ceph:openssh"],"known_not_affected":["red_hat_enterprise_linux_8:openssh"]}}]}`

func TestRead(t *testing.T) {
	t.Parallel()
	all, err := Read(strings.NewReader(sample))
	if err != nil || len(all) != 2 {
		t.Fatalf("%v %+v", err, all)
	}
	eight, nine := all[0], all[1]
	if state, _ := eight.State("CVE-2024-6387", "8.0p1-19.el8_9.2"); eight.Release != "8" || state != fix.Absent {
		t.Errorf("not affected: %+v", eight)
	}
	for installed, want := range map[string]fix.State{
		"8.7p1-38.el9_4.1": fix.Absent, "8.7p1-43.el9": fix.Absent, "8.7p1-38.el9": fix.Older, "8.7p1-34.el9_3.3": fix.Older,
		"8.7p1-30.el9_2.4": fix.Absent, "8.7p1-30.el9_2.3": fix.Older,
	} {
		if state, _ := nine.State("CVE-2024-6387", installed); state != want {
			t.Errorf("%s: %v, want %v", installed, state, want)
		}
	}
	if _, err := Read(strings.NewReader(strings.Replace(sample, "Red Hat Product", "Another Product", 1))); !errors.Is(err, ErrOthers) {
		t.Error(err)
	}
}

func TestAffectedAndNotFixed(t *testing.T) {
	t.Parallel()
	all, err := Read(strings.NewReader(strings.Replace(sample, `"known_affected":["ceph:openssh"],"known_not_affected"`, `"known_affected"`, 1)))
	if err != nil || len(all) != 2 {
		t.Fatalf("%v %+v", err, all)
	}
	if state, _ := all[0].State("CVE-2024-6387", "8.0p1-19.el8_9.2"); state != fix.Open {
		t.Errorf("%+v", all[0])
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(_ *testing.T, s string) {
		all, err := Read(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, s := range all {
			s.State("CVE-2024-6387", "8.7p1-38.el9_4.1")
		}
	})
}
